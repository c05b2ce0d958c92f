/* Times of samples that no interrupt dated. */
#pragma once

#include <stdint.h>

/* The time from which on samples taken in `for_us` are dated, one each period. As long as the pace
 * agrees with the clock that is `last_us`, the time of the sample before; else the last of them is
 * made to be of the past, and at most a period old. */
uint32_t paced(uint32_t last_us, uint32_t for_us, uint32_t now_us, uint32_t period_us);
