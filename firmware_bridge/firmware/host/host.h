#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What a test gives; anything may be null: then nothing is on the bus, and sleep lasts 33 ms. */
struct host {
    int (*write)(uint8_t address, const uint8_t *data, uint8_t count);
    int (*read)(uint8_t address, uint8_t from, uint8_t *data, uint8_t count);
    bool (*recover)(void);
    void (*sleep)(void);
    void (*pass)(void); /* some time, and the interrupts of it, just before they are turned off */
    uint64_t now_us;
    uint32_t kicks;
};

extern struct host host;

/* What has been sent since the last call, at most 64 KiB. */
uint32_t host_sent(uint8_t *to);
/* What comes in next, at most 64 KiB. */
void host_receive(const uint8_t *data, uint32_t count);
