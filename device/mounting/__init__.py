"""The mounting: how the sensor sits on the wearer, estimated from the wearer's own walking."""
