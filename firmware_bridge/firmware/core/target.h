/* What a microcontroller must do for the core: everything that knows its registers. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* At most FIRMWARE_BYTES characters. */
extern const char FIRMWARE_NAME[];
/* The fastest rate, mHz, that the line carries with a fifth of it to spare. */
extern const uint32_t FASTEST_MHZ;

enum bus {
    BUS_OK,
    BUS_REFUSED, /* not acknowledged before any data went either way: safe to repeat */
    BUS_BROKEN,  /* anything may have happened */
};

enum bus bus_write(uint8_t address, const uint8_t *data, uint8_t count);
/* Names a register, then reads from it on, in one transaction. */
enum bus bus_read(uint8_t address, uint8_t from, uint8_t *data, uint8_t count);
/* Clocks a slave that holds SDA until it lets go; false if the bus is still held. */
bool bus_recover(void);

/* Sends a byte; waits for room if it must. */
void uart_put(uint8_t byte);
/* The next byte received, or -1. */
int16_t uart_get(void);

/* µs since the start. */
uint64_t clock_us(void);

/* Interrupts off, and back as they were. */
uint8_t interrupts_off(void);
void interrupts_restore(uint8_t before);

/* Sleeps until an interrupt, at most 50 ms. Called with interrupts off, returns with them on, and
 * misses none that comes between. */
void sleep_until_interrupt(void);
/* Not called for half a second, the microcontroller resets itself. */
void watchdog_kick(void);

/* Counts this boot in what outlives the power, and returns the count, never 0; 0 if it cannot. */
uint16_t count_boot(void);
/* RESET_ bits of protocol.h. */
uint8_t reset_cause(void);
