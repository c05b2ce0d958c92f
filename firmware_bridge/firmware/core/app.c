#include "app.h"

#include "frame.h"
#include "message.h"
#include "mpu.h"
#include "sampler.h"
#include "target.h"

#define HELLO_EVERY_US 2000000ul
#define NEWS_EVERY_US 100000ul
#define SET_UP_AGAIN_US 250000ul
#define BUS_AGAIN_US 10000ul
#define SILENT_US 100000ul
#define DEAD_US 1000000ul

enum { FIRST_RATE_MHZ = 50000, SILENT_PERIODS = 4 };

static struct hello hello = {
    .acc_full_scale_g = ACC_FULL_SCALE_G,
    .gyro_full_scale_dps = GYRO_FULL_SCALE_DPS,
    .rate_mhz = FIRST_RATE_MHZ,
};
static struct status status = {.centi_c = UNKNOWN_TEMPERATURE}, told;
static struct frame_reader received;
static uint8_t divider;
static bool greeted, stopped, up, was_up, doubtful, paused;
static uint32_t hello_us, told_us, paused_us, pause_us;

static uint32_t now_us(void)
{
    return (uint32_t)clock_us();
}

static void pause(uint32_t for_us)
{
    paused = true;
    paused_us = now_us();
    pause_us = for_us;
}

static void tell(void)
{
    status.overflowed = sampler_overflowed;
    status.bus_faults = bus_faults;
    status.trouble &= (uint8_t) ~(TROUBLE_NO_INTERRUPT | TROUBLE_BUS_STUCK);
    if (up && sampler_polls)
        status.trouble |= TROUBLE_NO_INTERRUPT;
    if (bus_stuck)
        status.trouble |= TROUBLE_BUS_STUCK;
    told = status;
    told_us = now_us();
    send_status(&status, told_us, sampler_index);
}

static void greet(void)
{
    if (up)
        mpu_temperature(&status.centi_c);
    hello.chip = mpu_chip();
    greeted = true;
    hello.uptime_us = clock_us();
    hello_us = (uint32_t)hello.uptime_us;
    send_hello(&hello, sampler_index);
    tell();
}

static bool is_news(void)
{
    return status.trouble != told.trouble || status.chip_restarts != told.chip_restarts ||
           sampler_overflowed != told.overflowed || bus_stuck != !!(told.trouble & TROUBLE_BUS_STUCK);
}

static void set_up(void)
{
    enum mpu found = mpu_set_up(divider);
    status.trouble = 0;
    if (found == MPU_OK && sampler_start(hello.rate_mhz)) {
        if (was_up && status.chip_restarts != UINT16_MAX)
            status.chip_restarts++;
        up = was_up = true;
        doubtful = false;
        greet();
        return;
    }
    status.trouble = found == MPU_WRONG_CHIP ? TROUBLE_WRONG_CHIP : TROUBLE_NO_ANSWER;
    pause(SET_UP_AGAIN_US);
}

static void give_up(void)
{
    up = false;
    sampler_drop();
}

/* Checks the chip's settings: after a fault, and with each hello. */
static void check(void)
{
    switch (mpu_check()) {
    case MPU_OK:
        status.trouble &= (uint8_t)~TROUBLE_NO_ANSWER;
        doubtful = false;
        break;
    case MPU_CHANGED:
        give_up();
        break;
    default:
        status.trouble |= TROUBLE_NO_ANSWER;
        doubtful = true;
        pause(BUS_AGAIN_US);
    }
}

/* INT is silent: the chip lost its settings, the wire is missing, or the chip is dead. */
static void listen(void)
{
    uint32_t silence_us = sampler_silence_us();
    if (silence_us < SILENT_US || silence_us / SILENT_PERIODS < 1000000000ul / hello.rate_mhz)
        return;
    check();
    if (up && !doubtful && !sampler_poll() && silence_us > DEAD_US &&
        silence_us / 2 / SILENT_PERIODS > 1000000000ul / hello.rate_mhz)
        give_up();
}

static void sample(void)
{
    if (doubtful)
        check();
    if (!up || doubtful)
        return;
    switch (sampler_step(false)) {
    case SAMPLED_FAULT:
        doubtful = true;
        pause(BUS_AGAIN_US);
        break;
    case SAMPLED_NOTHING:
        listen();
        break;
    case SAMPLED_BATCH:
        break;
    }
}

static void finish(void)
{
    if (up)
        while (sampler_step(true) == SAMPLED_BATCH)
            watchdog_kick();
    if (up)
        mpu_sleep();
    give_up();
    was_up = false;
}

static void obey(const struct command *command)
{
    switch (command->code) {
    case CODE_HELLO:
        greet();
        break;
    case CODE_START:
        stopped = false;
        break;
    case CODE_STOP:
        if (!stopped)
            finish();
        stopped = true;
        greet();
        break;
    case CODE_SET_RATE:
        if (command->argument == hello.rate_mhz || !mpu_divider(command->argument, &divider))
            break;
        finish();
        hello.rate_mhz = command->argument;
        greet();
        break;
    default:
        break;
    }
}

static void hear(void)
{
    int16_t byte;
    while ((byte = uart_get()) >= 0) {
        struct command command;
        uint8_t count = frame_read(&received, (uint8_t)byte);
        if (count && command_read(received.bytes + 1, count, &command))
            obey(&command);
    }
}

static void rest(void)
{
    uint8_t before = interrupts_off();
    if (up && !paused && sampler_ready())
        interrupts_restore(before);
    else
        sleep_until_interrupt();
}

void app_start(void)
{
    mpu_divider(hello.rate_mhz, &divider);
    hello.boot = count_boot();
    status.reset = reset_cause();
}

void app_step(void)
{
    watchdog_kick();
    hear();
    if (paused && now_us() - paused_us >= pause_us)
        paused = false;
    if (!stopped && !paused) {
        if (up)
            sample();
        else
            set_up();
    }
    /* The first hello waits until the chip was found, or was not. */
    if (!stopped && (!greeted || now_us() - hello_us >= HELLO_EVERY_US)) {
        if (up && !paused)
            check();
        greet();
    } else if (greeted && is_news() && now_us() - told_us >= NEWS_EVERY_US) {
        tell();
    }
    rest();
}
