/* Copyright (C) 2026 the edgehar authors. SPDX-License-Identifier: GPL-3.0-or-later
 * Only this folder is under the GPL, because it links with simavr: see ../README.md. */

/* The sensor is another process. Each step on the bus is a request with an immediate reply:
 *
 *   request   u8 what, u64 time in µs, u8 count, then `count` bytes if written
 *   reply     u8 flags (1 acknowledged, 2 SDA held low), i64 µs of the next INT or -1, u8 count, bytes
 *
 * what: A address, W a whole write, R a first byte read, C a further one, K a clock pulse by hand,
 * T nothing but the time. Numbers are little-endian. */
#include <avr_ioport.h>
#include <avr_twi.h>
#include <endian.h>
#include <sim_cycle_timers.h>
#include <sim_time.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "harness.h"

enum { ADDRESS = 0x68, SDA = 4, SCL = 5, INT = 2, PULSE_US = 50, LONGEST = 64 };
enum { ACKNOWLEDGED = 1, SDA_LOW = 2 };

unsigned long bus_interrupts;

static avr_t *avr;
static avr_irq_t *slave;
static avr_twi_t *twi;
static int chip = -1;
static uint8_t written[LONGEST], write_count;
static bool selected, writing, reading, wired, sda_low;

struct request {
    uint8_t what;
    uint64_t time_us;
    uint8_t count;
} __attribute__((packed));

struct reply {
    uint8_t flags;
    int64_t next_us;
    uint8_t count;
} __attribute__((packed));

static void receive(void *to, size_t count)
{
    for (uint8_t *at = to; count;) {
        ssize_t got = read(chip, at, count);
        if (got <= 0)
            fail("the sensor's process went away");
        at += got;
        count -= (size_t)got;
    }
}

static avr_cycle_count_t int_low(avr_t *of, avr_cycle_count_t when, void *param)
{
    (void)when, (void)param;
    avr_raise_irq(avr_io_getirq(of, AVR_IOCTL_IOPORT_GETIRQ('D'), INT), 0);
    return 0;
}

static uint8_t ask(uint8_t what, const uint8_t *data, uint8_t count, uint8_t *answer);

static avr_cycle_count_t int_high(avr_t *of, avr_cycle_count_t when, void *param)
{
    (void)when, (void)param;
    bus_interrupts++;
    if (wired) {
        avr_raise_irq(avr_io_getirq(of, AVR_IOCTL_IOPORT_GETIRQ('D'), INT), 1);
        avr_cycle_timer_register_usec(of, PULSE_US, int_low, NULL);
    }
    ask('T', NULL, 0, NULL);
    return 0;
}

static void set_line(int pin, bool high)
{
    avr_irq_t *line = avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ('C'), pin);
    /* simavr ignores a level that a pin already has, even if a reset has cleared it. */
    avr_raise_irq(line, !high);
    avr_raise_irq(line, high);
}

/* Pull-ups hold both lines high, unless a slave holds SDA. */
static void hold_lines(bool low)
{
    avr_ioport_external_t pull = {
        .name = 'C', .mask = 1 << SDA | 1 << SCL, .value = 1 << SCL | !low << SDA};
    avr_ioctl(avr, AVR_IOCTL_IOPORT_SET_EXTERNAL('C'), &pull);
    set_line(SDA, !low);
    sda_low = low;
}

static uint8_t ask(uint8_t what, const uint8_t *data, uint8_t count, uint8_t *answer)
{
    uint8_t out[sizeof(struct request) + LONGEST];
    struct request request = {what, htole64(now_us(avr)), count};
    memcpy(out, &request, sizeof request);
    size_t size = sizeof request;
    if (data) {
        memcpy(out + size, data, count);
        size += count;
    }
    if (write(chip, out, size) != (ssize_t)size)
        fail("the sensor's process went away");
    struct reply reply;
    receive(&reply, sizeof reply);
    uint8_t bytes[256];
    receive(bytes, reply.count);
    if (answer && reply.count)
        *answer = bytes[0];
    int64_t next_us = (int64_t)le64toh((uint64_t)reply.next_us);
    avr_cycle_timer_cancel(avr, int_high, NULL);
    if (next_us >= 0) {
        avr_cycle_count_t at = cycles(avr, (uint64_t)next_us);
        avr_cycle_timer_register(avr, at > avr->cycle ? at - avr->cycle : 1, int_high, NULL);
    }
    if (!!(reply.flags & SDA_LOW) != sda_low)
        hold_lines(reply.flags & SDA_LOW);
    return reply.flags;
}

static void finish_write(void)
{
    if (writing && write_count)
        ask('W', written, write_count, NULL);
    writing = reading = false;
    write_count = 0;
}

static void on_bus(avr_irq_t *irq, uint32_t value, void *param)
{
    (void)irq, (void)param;
    avr_twi_msg_irq_t message = {.u.v = value};
    uint8_t what = message.u.twi.msg, address = message.u.twi.addr;
    if (what & (TWI_COND_STOP | TWI_COND_START)) {
        finish_write();
        selected = false;
    }
    if (what & TWI_COND_START && address >> 1 == ADDRESS) {
        selected = ask('A', NULL, 0, NULL) & ACKNOWLEDGED;
        writing = !(address & 1);
        /* simavr 1.6 takes the address for a data byte and would report 0x28 in place of 0x18. */
        twi->state &= (uint8_t)~TWI_COND_WRITE;
        if (selected)
            avr_raise_irq(slave + TWI_IRQ_INPUT, avr_twi_irq_msg(TWI_COND_ACK, ADDRESS << 1, 1));
    }
    if (!selected)
        return;
    if (what & TWI_COND_WRITE && write_count < LONGEST) {
        written[write_count++] = message.u.twi.data;
        avr_raise_irq(slave + TWI_IRQ_INPUT, avr_twi_irq_msg(TWI_COND_ACK, ADDRESS << 1, 1));
    }
    if (what & TWI_COND_READ) {
        uint8_t byte = 0xFF; /* the value on an idle bus, by its pull-ups */
        ask(reading ? 'C' : 'R', NULL, 1, &byte);
        reading = true;
        avr_raise_irq(slave + TWI_IRQ_INPUT, avr_twi_irq_msg(TWI_COND_READ, ADDRESS << 1, byte));
    }
}

/* SCL driven as a port pin, while the interface is off. */
static void on_scl(avr_irq_t *irq, uint32_t value, void *param)
{
    (void)irq, (void)param;
    if (value && sda_low)
        ask('K', NULL, 0, NULL);
}

void bus_reset(void)
{
    bool low = sda_low;
    sda_low = selected = writing = reading = false;
    write_count = 0;
    set_line(SCL, true);
    hold_lines(low);
    ask('T', NULL, 0, NULL);
}

void bus_connect(avr_t *of, const char *socket_path, bool int_wired)
{
    static const char *names[TWI_IRQ_COUNT] = {"chip.in", "chip.out", "chip.status"};
    struct sockaddr_un where = {.sun_family = AF_UNIX};
    avr = of;
    wired = int_wired;
    snprintf(where.sun_path, sizeof where.sun_path, "%s", socket_path);
    chip = socket(AF_UNIX, SOCK_STREAM, 0);
    if (chip < 0 || connect(chip, (struct sockaddr *)&where, sizeof where))
        fail(socket_path);
    for (avr_io_t *io = avr->io_port; io; io = io->next)
        if (!strcmp(io->kind, "twi"))
            twi = (avr_twi_t *)io;
    /* simavr 1.6: otherwise TWINT never clears for a firmware that polls it. */
    twi->twi.raise_sticky = 0;
    slave = avr_alloc_irq(&avr->irq_pool, 0, TWI_IRQ_COUNT, names);
    avr_irq_register_notify(slave + TWI_IRQ_OUTPUT, on_bus, NULL);
    avr_connect_irq(slave + TWI_IRQ_INPUT,
                    avr_io_getirq(avr, AVR_IOCTL_TWI_GETIRQ(0), TWI_IRQ_INPUT));
    avr_connect_irq(avr_io_getirq(avr, AVR_IOCTL_TWI_GETIRQ(0), TWI_IRQ_OUTPUT),
                    slave + TWI_IRQ_OUTPUT);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ('C'), SCL), on_scl, NULL);
    if (wired) {
        avr_ioport_external_t pull = {.name = 'D', .mask = 1 << INT, .value = 0};
        avr_ioctl(avr, AVR_IOCTL_IOPORT_SET_EXTERNAL('D'), &pull);
    }
    bus_reset();
}
