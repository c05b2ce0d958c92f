#pragma once

#include <stdint.h>

/* Sleeps for `ms`, kicks the watchdog meanwhile; interrupts stay enabled. */
void wait_ms(uint8_t ms);
