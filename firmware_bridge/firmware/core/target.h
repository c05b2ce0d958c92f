/* Functions that a microcontroller must provide for the core. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* At most FIRMWARE_BYTES characters. */
extern const char FIRMWARE_NAME[];
/* The fastest rate, mHz, that leaves a fifth of the line free. */
extern const uint32_t FASTEST_MHZ;

enum bus {
    BUS_OK,
    BUS_REFUSED, /* not acknowledged, no data transferred yet: safe to repeat */
    BUS_BROKEN,  /* anything may have happened */
};

enum bus bus_write(uint8_t address, const uint8_t *data, uint8_t count);
/* Writes a register number, then reads from there on, in one transaction. */
enum bus bus_read(uint8_t address, uint8_t from, uint8_t *data, uint8_t count);
/* Clocks SCL until the slave releases SDA; false if the bus is still held. */
bool bus_recover(void);

/* Sends a byte; waits while the buffer is full. */
void uart_put(uint8_t byte);
/* The next byte received, or -1. */
int16_t uart_get(void);

/* µs since the start. */
uint64_t clock_us(void);

/* Disables interrupts and returns the previous state; restores a state. */
uint8_t interrupts_off(void);
void interrupts_restore(uint8_t before);

/* Sleeps until an interrupt, at most 50 ms. Call with interrupts off: it enables them and misses
 * none. */
void sleep_until_interrupt(void);
/* The microcontroller resets itself half a second after the last call. */
void watchdog_kick(void);

/* Counts this boot in permanent memory and returns the count, never 0; 0 without such memory. */
uint16_t count_boot(void);
/* RESET_ bits of protocol.h. */
uint8_t reset_cause(void);
