/* Samples in step with interrupts: the chip's FIFO keeps the data, each interrupt of its INT pin
 * counts and dates a sample. So however late the FIFO is read, every sample has its time, and
 * however many are lost, they are counted. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "mpu.h"

/* For a target's interrupt handler: INT went high, then. */
void sampler_data_ready(uint32_t time_us);

/* Begins, with an empty FIFO. */
bool sampler_start(uint32_t rate_mhz);

enum sampled {
    SAMPLED_NOTHING, /* not enough yet */
    SAMPLED_BATCH,   /* one was sent */
    SAMPLED_FAULT,   /* the bus fails; nothing is lost yet */
};

/* Sends a frame if there are samples for one, or with `last` if there is any. */
enum sampled sampler_step(bool last);

/* Whether there may be something for sampler_step. For the decision to sleep: interrupts are off. */
bool sampler_ready(void);

/* What is to be read no more: counted as taken, and as overflowed. */
void sampler_drop(void);

/* Samples taken since boot that were sent, or lost. */
extern uint32_t sampler_index, sampler_overflowed;
/* For when INT has been silent for long: goes over to asking, if the chip takes samples all the
 * same; returns whether it does. Asks no more at the first interrupt. */
bool sampler_poll(void);
extern volatile bool sampler_polls;
/* Since the last sample, µs. */
uint32_t sampler_silence_us(void);
