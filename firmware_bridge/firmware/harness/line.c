/* Copyright (C) 2026 the edgehar authors. SPDX-License-Identifier: GPL-3.0-or-later
 * Only this folder is under the GPL, because it links with simavr: see ../README.md. */

/* The serial line. Without a reader it loses bytes, as a real wire does, and counts them; if
 * patient, it stops the simulated time instead. */
#include <avr_uart.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "harness.h"

enum { PATIENCE_MS = 30000 };

unsigned long line_sent, line_dropped;

static avr_irq_t *uart;
static const char *link_path;
static char part_path[4096];
static int master = -1, slave = -1;
static bool waits, room;
static uint8_t out[4096], in[256];
static size_t out_count, in_count, in_at;

void line_plug(void)
{
    struct termios settings;
    char name[64];
    if (master >= 0)
        return;
    if (openpty(&master, &slave, name, NULL, NULL) || tcgetattr(slave, &settings))
        fail("no pseudo-terminal");
    cfmakeraw(&settings);
    tcsetattr(slave, TCSANOW, &settings);
    fcntl(master, F_SETFL, O_NONBLOCK);
    unlink(part_path);
    if (symlink(name, part_path) || rename(part_path, link_path))
        fail(link_path);
}

void line_unplug(void)
{
    if (master < 0)
        return;
    unlink(link_path);
    close(master);
    close(slave);
    master = slave = -1;
}

static void flush(void)
{
    size_t at = 0;
    while (at < out_count) {
        ssize_t count = master < 0 ? -1 : write(master, out + at, out_count - at);
        if (count > 0) {
            at += (size_t)count;
            continue;
        }
        struct pollfd writable = {.fd = master, .events = POLLOUT};
        if (master < 0 || errno != EAGAIN || !waits || poll(&writable, 1, PATIENCE_MS) <= 0)
            break;
    }
    line_sent += at;
    line_dropped += out_count - at;
    out_count = 0;
}

static void on_byte(avr_irq_t *irq, uint32_t value, void *param)
{
    (void)irq, (void)param;
    if (out_count == sizeof out)
        flush();
    out[out_count++] = (uint8_t)value;
}

static void on_xon(avr_irq_t *irq, uint32_t value, void *param)
{
    (void)irq, (void)param;
    room = value;
}

static void on_xoff(avr_irq_t *irq, uint32_t value, void *param)
{
    (void)irq, (void)param;
    if (value)
        room = false;
}

static void receive(void)
{
    if (in_at == in_count && master >= 0) {
        ssize_t count = read(master, in, sizeof in);
        in_at = 0;
        in_count = count > 0 ? (size_t)count : 0;
    }
}

void line_work(void)
{
    flush();
    receive();
    /* 115200 baud: eleven bytes a millisecond. */
    for (int i = 0; i < 11 && in_at < in_count; i++)
        avr_raise_irq(uart + UART_IRQ_INPUT, in[in_at++]);
}

void line_await_reader(void)
{
    for (int waited = 0; in_at == in_count; waited++) {
        if (waited == PATIENCE_MS)
            fail("nobody reads the line");
        usleep(1000);
        receive();
    }
}

void line_drain(void)
{
    /* The kernel may hold more bytes than it counts, so the count must stay zero for a while. */
    int unread = 0;
    for (int i = 0, quiet = 0; slave >= 0 && i < 250 && quiet < 5; i++) {
        if (ioctl(slave, FIONREAD, &unread))
            return;
        quiet = unread ? 0 : quiet + 1;
        usleep(20000);
    }
}

void line_connect(avr_t *avr, const char *link, bool patient)
{
    uint32_t flags = 0;
    link_path = link;
    waits = patient;
    snprintf(part_path, sizeof part_path, "%s.part", link);
    avr_ioctl(avr, AVR_IOCTL_UART_GET_FLAGS('0'), &flags);
    flags &= ~(uint32_t)(AVR_UART_FLAG_STDIO | AVR_UART_FLAG_POLL_SLEEP);
    avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
    uart = avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), 0);
    avr_irq_register_notify(uart + UART_IRQ_OUTPUT, on_byte, NULL);
    avr_irq_register_notify(uart + UART_IRQ_OUT_XON, on_xon, NULL);
    avr_irq_register_notify(uart + UART_IRQ_OUT_XOFF, on_xoff, NULL);
    line_plug();
}
