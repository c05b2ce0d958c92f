/* The firmware: samples to frames, commands to deeds, faults to counters. */
#pragma once

/* Counts the boot. */
void app_start(void);
/* Does what is due, then sleeps until something is. For ever. */
void app_step(void);
