/* Messages, as in PROTOCOL.md. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"

enum { BATCH = 10 };

/* The message in preparation: header, body, and room for its CRC. */
extern uint8_t message[HEADER_BYTES + BATCH * SAMPLE_BYTES + CRC_BYTES];

struct hello {
    uint8_t chip;
    uint8_t acc_full_scale_g;
    uint16_t gyro_full_scale_dps;
    uint32_t rate_mhz;
    uint64_t uptime_us;
    uint16_t boot;
};

struct status {
    uint32_t overflowed;
    uint16_t bus_faults;
    uint16_t chip_restarts;
    int16_t centi_c;
    uint8_t reset;
    uint8_t trouble;
};

struct command {
    uint8_t code;
    uint32_t argument;
};

void send_hello(const struct hello *hello, uint32_t index);
void send_status(const struct status *status, uint32_t time_us, uint32_t index);
/* Sends the samples that message_sample stored. */
void send_batch(uint8_t samples, uint32_t time_us, uint32_t index);

/* Stores sample `number` of a batch: six counts as the chip gives them, high byte first. */
void message_sample(uint8_t number, uint16_t dt_us, const uint8_t *counts);

/* Returns whether the bytes are a command, and fills `command`. */
bool command_read(const uint8_t *content, uint8_t count, struct command *command);
