#include "sampler.h"

#include "message.h"
#include "pace.h"

enum {
    RING = 88,           /* times: more than the samples of any FIFO */
    RESTARTS = 8,        /* of the FIFO, at most, until no sample falls into one */
    DOUBT = 3,           /* samples, or times in a row, by which FIFO and interrupts may differ */
    MAX_DT_US = 0xFFFF,  /* between samples of a frame */
    POLLED_SAMPLES = 3,  /* in the FIFO without an interrupt: the pin is not wired */
};

/* Written by the interrupt handler, too; the rest by the main loop only. */
static uint32_t times[RING];
static volatile uint8_t newest, dated;
static volatile uint32_t taken, last_us;
static volatile bool interrupted;

uint32_t sampler_index, sampler_overflowed;
volatile bool sampler_polls;
static uint32_t period_us;
static uint8_t oldest, least, odd;

static void note(uint32_t time_us)
{
    taken++;
    last_us = time_us;
    if (dated < RING) {
        times[newest] = time_us;
        newest = newest + 1 == RING ? 0 : newest + 1;
        dated++;
    }
}

void sampler_data_ready(uint32_t time_us)
{
    interrupted = true;
    if (!sampler_polls)
        note(time_us);
}

static uint32_t waiting(void)
{
    uint8_t before = interrupts_off();
    uint32_t count = taken - sampler_index;
    interrupts_restore(before);
    return count;
}

bool sampler_ready(void)
{
    return taken - sampler_index >= least;
}

uint32_t sampler_silence_us(void)
{
    uint8_t before = interrupts_off();
    uint32_t last = last_us;
    interrupts_restore(before);
    /* The clock is read last, so that it is not older than the sample. */
    return (uint32_t)clock_us() - last;
}

void sampler_drop(void)
{
    uint8_t before = interrupts_off();
    sampler_overflowed += taken - sampler_index;
    sampler_index = taken;
    dated = 0;
    oldest = newest;
    interrupts_restore(before);
}

/* Empties the FIFO at a moment without a sample, so that FIFO and interrupts match. */
static bool empty_fifo(void)
{
    for (uint8_t i = 0; i < RESTARTS; i++) {
        uint32_t before = waiting();
        if (!mpu_restart_fifo())
            return false;
        if (waiting() == before)
            break;
    }
    return true;
}

static bool restart(void)
{
    if (!empty_fifo())
        return false;
    odd = 0;
    sampler_drop();
    return true;
}

bool sampler_start(uint32_t rate_mhz)
{
    period_us = 1000000000ul / rate_mhz;
    least = period_us > MAX_DT_US ? 1 : BATCH;
    if (!empty_fifo())
        return false;
    uint8_t before = interrupts_off();
    /* Samples taken before the start do not count as lost. */
    taken = sampler_index;
    last_us = (uint32_t)clock_us();
    interrupts_restore(before);
    sampler_drop();
    return true;
}

/* Corrects the count by the FIFO's, for missed or extra interrupts; not after an overflow. */
static void count_fifo(uint8_t in_fifo)
{
    uint8_t before = interrupts_off();
    if (in_fifo <= mpu_capacity() && taken - sampler_index <= mpu_capacity())
        taken = sampler_index + in_fifo;
    interrupts_restore(before);
}

bool sampler_poll(void)
{
    uint8_t in_fifo;
    if (sampler_polls || !mpu_fifo_samples(&in_fifo))
        return sampler_polls;
    if (in_fifo < waiting() + POLLED_SAMPLES)
        return false;
    count_fifo(in_fifo);
    interrupted = false;
    sampler_polls = true;
    last_us = (uint32_t)clock_us();
    return restart();
}

static bool back_to_interrupts(void)
{
    uint8_t in_fifo;
    for (uint8_t i = 0; i < RESTARTS; i++) {
        interrupted = false;
        if (!mpu_fifo_samples(&in_fifo))
            return false;
        if (!interrupted) /* else a new sample has arrived: read again */
            break;
    }
    sampler_polls = false;
    count_fifo(in_fifo);
    return restart();
}

/* Without interrupts: dates new samples in the FIFO at the nominal rate, up to now. */
static void poll(uint8_t in_fifo)
{
    uint32_t now = (uint32_t)clock_us();
    if (in_fifo > mpu_capacity()) {
        /* Only the time gives the size of the overflow. */
        uint32_t missed = (now - last_us) / period_us;
        taken += missed;
        last_us += missed * period_us;
        return;
    }
    if (in_fifo <= waiting())
        return;
    uint8_t fresh = (uint8_t)(in_fifo - waiting());
    uint32_t time = paced(last_us, fresh * period_us, now, period_us);
    while (fresh--)
        note(time += period_us);
}

/* Whether the FIFO's count agrees with the interrupts' counts, `before` reading it and now. A
 * difference of one sample may be on its way into the FIFO, once or twice in a row. */
static bool in_step(uint8_t in_fifo, uint32_t before)
{
    uint32_t now = waiting();
    uint8_t room = mpu_capacity();
    if (now > room || in_fifo > room || in_fifo > now + DOUBT || before > (uint32_t)in_fifo + DOUBT)
        return false;
    /* A chip that writes its FIFO after its interrupt is no fault. */
    odd = in_fifo > now || before > in_fifo + 1u ? odd + 1 : 0;
    return odd < DOUBT;
}

/* How many of the waiting samples fit into one frame: by the time between them. */
static uint8_t together(uint8_t count)
{
    uint8_t number = 1, at = oldest;
    for (; number < count; number++) {
        uint8_t next = at + 1 == RING ? 0 : at + 1;
        if (times[next] - times[at] > MAX_DT_US)
            break;
        at = next;
    }
    return number;
}

static enum sampled send(uint8_t count)
{
    uint8_t counts[COUNTS_BYTES], number = 0, at = oldest;
    uint32_t begun = times[at], before = begun;
    enum bus outcome = BUS_OK;
    for (; number < count; number++) {
        outcome = mpu_sample(counts);
        if (outcome != BUS_OK)
            break;
        message_sample(number, (uint16_t)(times[at] - before), counts);
        before = times[at];
        at = at + 1 == RING ? 0 : at + 1;
    }
    /* After the reads: only then is it certain that no sample was overwritten or torn. */
    if (waiting() > mpu_capacity())
        return restart() ? SAMPLED_NOTHING : SAMPLED_FAULT;
    if (number > 0) {
        send_batch(number, begun, sampler_index);
        uint8_t restore = interrupts_off();
        sampler_index += number;
        dated -= number;
        oldest = at;
        interrupts_restore(restore);
    }
    if (outcome == BUS_BROKEN && !restart())
        return SAMPLED_FAULT;
    return outcome == BUS_REFUSED ? SAMPLED_FAULT : SAMPLED_BATCH;
}

enum sampled sampler_step(bool last)
{
    uint8_t in_fifo;
    uint32_t now = waiting();
    if (sampler_polls && interrupted)
        return back_to_interrupts() ? SAMPLED_NOTHING : SAMPLED_FAULT;
    if (!sampler_polls && now < (last ? 1 : least))
        return SAMPLED_NOTHING;
    if (!mpu_fifo_samples(&in_fifo))
        return SAMPLED_FAULT;
    if (sampler_polls) {
        poll(in_fifo);
        now = waiting();
    }
    if (!in_step(in_fifo, now)) {
        /* Fewer than announced: extra interrupts, or a chip that has lost its supply. */
        if (in_fifo >= now || mpu_check() == MPU_OK)
            count_fifo(in_fifo);
        return restart() ? SAMPLED_NOTHING : SAMPLED_FAULT;
    }
    now = waiting();
    if (now > in_fifo)
        now = in_fifo;
    if (now < (last ? 1 : least))
        return SAMPLED_NOTHING;
    return send(together(now < BATCH ? (uint8_t)now : BATCH));
}
