/* Times of samples without an interrupt. */
#pragma once

#include <stdint.h>

/* Returns the time after which new samples, taken over `for_us`, follow at one each period. This is
 * `last_us`, the time of the previous sample, if the newest sample then is not in the future and at
 * most a period old; else the time is shifted until it is. */
uint32_t paced(uint32_t last_us, uint32_t for_us, uint32_t now_us, uint32_t period_us);
