#pragma once

#include <stdint.h>

void clock_init(void);
/* µs since the start, low 32 bits. Call with interrupts off. */
uint32_t clock_low_us(void);
