/* An MPU-6050, MPU-6500 or MPU-9250 on the bus (RM-MPU-6000A rev. 4.2, RM-MPU-6500A rev. 2.1). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "target.h"

/* As device/sources/mpu/bringup.py, for the same reasons: a runner's wrist passes 2 g in a sixth of
 * its samples and 4 g in 0.4 %, and 500 degrees a second in 1.5 % and 1000 in 0.007 %. */
enum { ACC_FULL_SCALE_G = 4, GYRO_FULL_SCALE_DPS = 1000, COUNTS_BYTES = 12 };

enum mpu {
    MPU_OK,
    MPU_NO_ANSWER,
    MPU_WRONG_CHIP,
    MPU_CHANGED, /* its registers are not as they were set: it has lost its supply */
};

/* What went wrong on the bus so far. */
extern uint16_t bus_faults;
extern bool bus_stuck;

/* WHO_AM_I of the chip found last, 0 before. */
uint8_t mpu_chip(void);
/* Samples that its FIFO holds without any doubt whether it has overflowed. */
uint8_t mpu_capacity(void);

/* Finds the chip at either address, resets it, waits until it is up, sets everything, reads it
 * back. The FIFO is still off. */
enum mpu mpu_set_up(uint8_t divider);
/* Compares the registers with what was set. */
enum mpu mpu_check(void);
/* Empties the FIFO and lets it run. */
bool mpu_restart_fifo(void);
/* Whole samples in the FIFO; FIFO_TORN if it does not begin with a whole one. */
enum { FIFO_TORN = 0xFF };
bool mpu_fifo_samples(uint8_t *samples);
/* The oldest sample in the FIFO, six counts, high byte first. */
enum bus mpu_sample(uint8_t counts[COUNTS_BYTES]);
/* Temperature in 0.01 degrees Celsius. */
bool mpu_temperature(int16_t *centi_c);
/* Lets it sleep: 5 µA. */
void mpu_sleep(void);

/* The divider that gives a rate to the millihertz; false if none does. */
bool mpu_divider(uint32_t rate_mhz, uint8_t *divider);
