#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Functions of a test. Any may be null: then no chip is on the bus, and a sleep lasts 33 ms. */
struct host {
    int (*write)(uint8_t address, const uint8_t *data, uint8_t count);
    int (*read)(uint8_t address, uint8_t from, uint8_t *data, uint8_t count);
    bool (*recover)(void);
    void (*sleep)(void);
    void (*pass)(void); /* lets time pass, with its interrupts; called before they are disabled */
    uint64_t now_us;
    uint32_t kicks;
};

extern struct host host;

/* Copies the bytes sent since the last call, at most 64 KiB; returns their number. */
uint32_t host_sent(uint8_t *to);
/* Sets the bytes that uart_get returns next, at most 64 KiB. */
void host_receive(const uint8_t *data, uint32_t count);
