/* Copyright (C) 2026 the edgehar authors. SPDX-License-Identifier: GPL-3.0-or-later
 * Only this folder is under the GPL, because it links with simavr: see ../README.md. */

/* Runs a firmware image on a simulated ATmega328P, with a sensor on its bus and its UART on a
 * pseudo-terminal.
 *
 * harness --image ELF --chip SOCKET --link PATH --seconds S [--mhz 16] [--pace N] [--patient]
 *         [--eeprom FILE] [--no-int] [--reset T]... [--hang T]... [--unplug T:S]...
 *
 * Times are simulated seconds. At the end it writes one line of JSON. */
#include <avr_eeprom.h>
#include <getopt.h>
#include <math.h>
#include <sim_cycle_timers.h>
#include <sim_elf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

enum { EVENTS = 64, EEPROM_BYTES = 1024, NOINIT_BYTES = 16 };

struct event {
    uint64_t at_us;
    enum { RESET, HANG, UNPLUG, PLUG } what;
};

static struct event events[EVENTS];
static int event_count;
static double pace;
static uint64_t began_ns, end_us;
static unsigned long resets, watchdog_resets, wakes;
static avr_cycle_count_t slept;
static uint32_t hung_at;
static uint8_t hung_code[2];
static bool hung;
static void (*core_reset)(avr_t *avr);

uint64_t now_us(const avr_t *avr)
{
    return avr->cycle / (avr->frequency / 1000000);
}

avr_cycle_count_t cycles(const avr_t *avr, uint64_t us)
{
    return us * (avr->frequency / 1000000);
}

void fail(const char *what)
{
    fprintf(stderr, "harness: %s\n", what);
    exit(1);
}

static void plan(uint64_t at_us, int what)
{
    if (event_count == EVENTS)
        fail("too many events");
    events[event_count++] = (struct event){at_us, what};
}

static uint64_t wall_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void happen(avr_t *avr, int what)
{
    switch (what) {
    case RESET:
        resets++;
        avr_reset(avr);
        break;
    case HANG: /* an instruction that jumps to itself, at the program counter */
        hung_at = avr->pc;
        memcpy(hung_code, avr->flash + hung_at, 2);
        memcpy(avr->flash + hung_at, "\xff\xcf", 2);
        hung = true;
        break;
    case UNPLUG:
        line_unplug();
        break;
    default:
        line_plug();
    }
}

static avr_cycle_count_t each_ms(avr_t *, avr_cycle_count_t, void *);

static void on_reset(avr_t *avr)
{
    if (hung) {
        memcpy(avr->flash + hung_at, hung_code, 2);
        hung = false;
        watchdog_resets++;
    }
    if (core_reset)
        core_reset(avr);
    if (!began_ns)
        return;
    bus_reset();
    avr_cycle_timer_register(avr, cycles(avr, 1000), each_ms, NULL);
}

static avr_cycle_count_t each_ms(avr_t *avr, avr_cycle_count_t when, void *param)
{
    (void)param;
    line_work();
    if (pace > 0) {
        uint64_t due_ns = began_ns + (uint64_t)((double)now_us(avr) * 1000 / pace);
        uint64_t at_ns = wall_ns();
        if (due_ns > at_ns)
            usleep((useconds_t)((due_ns - at_ns) / 1000));
    }
    return when + cycles(avr, 1000);
}

/* Replaces simavr's function, which would really sleep. */
static void count_sleep(avr_t *avr, avr_cycle_count_t how_long)
{
    (void)avr;
    slept += how_long;
}

static void eeprom(avr_t *avr, const char *path, bool save)
{
    uint8_t bytes[EEPROM_BYTES];
    avr_eeprom_desc_t all = {.ee = bytes, .offset = 0, .size = EEPROM_BYTES};
    if (!path)
        return;
    if (save)
        avr_ioctl(avr, AVR_IOCTL_EEPROM_GET, &all);
    FILE *file = fopen(path, save ? "wb" : "rb");
    size_t done = !file ? 0 : save ? fwrite(bytes, 1, EEPROM_BYTES, file)
                                   : fread(bytes, 1, EEPROM_BYTES, file);
    if (file)
        fclose(file);
    if (save && done != EEPROM_BYTES)
        fail(path);
    if (!save && done == EEPROM_BYTES)
        avr_ioctl(avr, AVR_IOCTL_EEPROM_SET, &all);
}

/* The greatest depth of the stack: memory after the variables is zero until it is used. */
static unsigned stack_bytes(const avr_t *avr, uint32_t variables)
{
    uint32_t at = avr->ioend + 1 + variables;
    while (at < avr->ramend && !avr->data[at])
        at++;
    return avr->ramend - at + 1;
}

static uint64_t micros(const char *seconds)
{
    return (uint64_t)llround(atof(seconds) * 1e6);
}

int main(int argc, char **argv)
{
    static const struct option names[] = {
        {"image", 1, 0, 'i'},  {"chip", 1, 0, 'c'},    {"link", 1, 0, 'l'},  {"seconds", 1, 0, 's'},
        {"mhz", 1, 0, 'm'},    {"pace", 1, 0, 'p'},    {"patient", 0, 0, 'w'}, {"eeprom", 1, 0, 'e'},
        {"no-int", 0, 0, 'n'}, {"reset", 1, 0, 'r'},   {"hang", 1, 0, 'h'},  {"unplug", 1, 0, 'u'},
        {0, 0, 0, 0}};
    const char *image = NULL, *chip = NULL, *link = NULL, *kept = NULL, *colon;
    bool patient = false, wired = true;
    uint32_t mhz = 16;
    for (int option; (option = getopt_long(argc, argv, "", names, NULL)) >= 0;) {
        switch (option) {
        case 'i': image = optarg; break;
        case 'c': chip = optarg; break;
        case 'l': link = optarg; break;
        case 's': end_us = micros(optarg); break;
        case 'm': mhz = (uint32_t)atoi(optarg); break;
        case 'p': pace = atof(optarg); break;
        case 'w': patient = true; break;
        case 'e': kept = optarg; break;
        case 'n': wired = false; break;
        case 'r': plan(micros(optarg), RESET); break;
        case 'h': plan(micros(optarg), HANG); break;
        case 'u':
            if (!(colon = strchr(optarg, ':'))) return 2;
            plan(micros(optarg), UNPLUG);
            plan(micros(optarg) + micros(colon + 1), PLUG);
            break;
        default: return 2;
        }
    }
    if (!image || !chip || !link || !end_us || !mhz)
        fail("--image, --chip, --link and --seconds are needed");
    signal(SIGPIPE, SIG_IGN);
    elf_firmware_t firmware = {0};
    if (elf_read_firmware(image, &firmware))
        fail(image);
    avr_t *avr = avr_make_mcu_by_name("atmega328p");
    avr_init(avr);
    avr->log = LOG_ERROR;
    firmware.frequency = mhz * 1000000;
    avr_load_firmware(avr, &firmware);
    avr->sleep = count_sleep;
    core_reset = avr->reset;
    avr->reset = on_reset;
    eeprom(avr, kept, false);
    line_connect(avr, link, patient);
    if (patient)
        line_await_reader();
    bus_connect(avr, chip, wired);
    avr_cycle_timer_register(avr, cycles(avr, 1000), each_ms, NULL);
    began_ns = wall_ns();
    bool crashed = false;
    for (int before = cpu_Running; now_us(avr) < end_us && !crashed;) {
        int state = avr_run(avr);
        wakes += before == cpu_Sleeping && state == cpu_Running;
        before = state;
        crashed = state == cpu_Done || state == cpu_Crashed;
        for (int i = 0; i < event_count; i++)
            if (events[i].at_us <= now_us(avr)) {
                int what = events[i].what;
                events[i] = events[--event_count];
                happen(avr, what);
                break;
            }
    }
    line_work();
    line_drain();
    line_unplug();
    eeprom(avr, kept, true);
    printf("{\"simulated_s\": %.6f, \"wall_s\": %.3f, \"interrupts\": %lu, \"sent_bytes\": %lu, "
           "\"dropped_bytes\": %lu, \"resets\": %lu, \"watchdog_resets\": %lu, \"stack_bytes\": %u, \"awake\": %.5f, \"wakes_hz\": %.2f, "
           "\"crashed\": %s}\n",
           (double)now_us(avr) / 1e6, (double)(wall_ns() - began_ns) / 1e9, bus_interrupts, line_sent,
           line_dropped, resets, watchdog_resets,
           stack_bytes(avr, firmware.datasize + firmware.bsssize + NOINIT_BYTES),
           1 - (double)slept / (double)avr->cycle, (double)wakes * 1e6 / (double)now_us(avr), crashed ? "true" : "false");
    return crashed;
}
