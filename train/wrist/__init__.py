"""The wrist model: days of five data sets, network, fit, decisions and cross-validation."""
