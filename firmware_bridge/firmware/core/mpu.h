/* An MPU-6050, MPU-6500 or MPU-9250 on the bus (RM-MPU-6000A rev. 4.2, RM-MPU-6500A rev. 2.1). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "target.h"

/* device/sources/mpu/bringup.py has the reasons. */
enum { ACC_FULL_SCALE_G = 4, GYRO_FULL_SCALE_DPS = 1000, COUNTS_BYTES = 12 };

enum mpu {
    MPU_OK,
    MPU_NO_ANSWER,
    MPU_WRONG_CHIP,
    MPU_CHANGED, /* its registers have lost the settings: its supply failed */
};

/* Failed transfers since boot; whether the bus is held now. */
extern uint16_t bus_faults;
extern bool bus_stuck;

/* WHO_AM_I of the latest chip found, 0 before. */
uint8_t mpu_chip(void);
/* The most samples in the FIFO for which it has certainly not overflowed. */
uint8_t mpu_capacity(void);

/* Resets the chip, waits, writes all settings and reads them back. The FIFO stays off. If no chip
 * answers, the next call tries the other address. */
enum mpu mpu_set_up(uint8_t divider);
/* Compares the registers with the settings. */
enum mpu mpu_check(void);
/* Empties the FIFO and switches it on. */
bool mpu_restart_fifo(void);
/* Whole samples in the FIFO; FIFO_TORN if its length is not a whole number of samples. */
enum { FIFO_TORN = 0xFF };
bool mpu_fifo_samples(uint8_t *samples);
/* The oldest sample in the FIFO, six counts, high byte first. */
enum bus mpu_sample(uint8_t counts[COUNTS_BYTES]);
/* Temperature in 0.01 degrees Celsius. */
bool mpu_temperature(int16_t *centi_c);
/* Puts the chip to sleep: 5 µA. */
void mpu_sleep(void);

/* The divider for a rate, right to the millihertz; false if there is none. */
bool mpu_divider(uint32_t rate_mhz, uint8_t *divider);
