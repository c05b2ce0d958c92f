/* Copyright (C) 2026 the edgehar authors. SPDX-License-Identifier: GPL-3.0-or-later
 * Only this folder is under the GPL, because it links with simavr: see ../README.md. */

#pragma once

#include <sim_avr.h>
#include <stdbool.h>
#include <stdint.h>

/* Simulated time, µs. */
uint64_t now_us(const avr_t *avr);
avr_cycle_count_t cycles(const avr_t *avr, uint64_t us);
/* Prints `what` and exits with 1. */
void fail(const char *what) __attribute__((noreturn));

/* bus.c: the sensor on the two-wire interface, and its INT pin on D2. */
void bus_connect(avr_t *avr, const char *socket_path, bool int_wired);
/* Call after a reset of the microcontroller, which clears all timers and levels. */
void bus_reset(void);
extern unsigned long bus_interrupts;

/* line.c: UART 0 on a pseudo-terminal. */
void line_connect(avr_t *avr, const char *link, bool patient);
void line_plug(void);
void line_unplug(void);
/* Moves bytes in and out; call once a simulated millisecond. */
void line_work(void);
/* Waits until the reader has sent a byte. */
void line_await_reader(void);
/* Waits until the reader has read all bytes. */
void line_drain(void);
extern unsigned long line_sent, line_dropped;
