/* Waiting asleep. */
#pragma once

#include <stdint.h>

/* Sleeps for so long, the watchdog content; what interrupts do goes on. */
void wait_ms(uint8_t ms);
