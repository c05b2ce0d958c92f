/* The firmware: sends samples as frames, executes commands, counts faults. */
#pragma once

/* Call once, before app_step. Counts the boot. */
void app_start(void);
/* Does the work that is due, then sleeps until an interrupt. Call for ever. */
void app_step(void);
