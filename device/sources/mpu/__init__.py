"""The MPU-6050 and its kin on an I2C bus: registers, bring-up, FIFO, time."""
