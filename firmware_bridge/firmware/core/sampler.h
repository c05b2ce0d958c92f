/* Matches the samples in the chip's FIFO with the interrupts of its INT pin. Each interrupt counts
 * and dates a sample, so a late read costs no time stamp, and every lost sample is counted. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "mpu.h"

/* For a target's interrupt handler: INT went high at `time_us`. */
void sampler_data_ready(uint32_t time_us);

/* Starts with an empty FIFO. */
bool sampler_start(uint32_t rate_mhz);

enum sampled {
    SAMPLED_NOTHING, /* not enough samples yet */
    SAMPLED_BATCH,   /* a batch was sent */
    SAMPLED_FAULT,   /* the bus failed; no sample is lost yet */
};

/* Sends a frame if there are enough samples, or with `last` if there is any. */
enum sampled sampler_step(bool last);

/* Whether sampler_step may have work. Call with interrupts off, before sleeping. */
bool sampler_ready(void);

/* Gives up the samples not read yet: they count as taken and as overflowed. */
void sampler_drop(void);

/* Samples taken since boot that were sent or lost; those that overflowed. */
extern uint32_t sampler_index, sampler_overflowed;
/* Call when INT is silent for long. Switches to polling if the chip still takes samples; returns
 * whether it does. The first interrupt ends the polling. */
bool sampler_poll(void);
extern volatile bool sampler_polls;
/* Time since the latest sample, µs. */
uint32_t sampler_silence_us(void);
