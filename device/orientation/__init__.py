"""How the sensor sits on the wearer, found from the wearer's own walking."""
