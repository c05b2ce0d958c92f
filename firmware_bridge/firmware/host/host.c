/* A PC as the microcontroller: the tests provide bus, clock and line. */
#include "host.h"

#include <string.h>

#include "protocol.h"
#include "target.h"

const char FIRMWARE_NAME[] = "edgehar-host 1";
const uint32_t FASTEST_MHZ = 500000;

struct host host;

enum { LINE_BYTES = 1 << 16 };

static uint8_t out[LINE_BYTES], in[LINE_BYTES];
static uint32_t out_count, in_count, in_at;

uint32_t host_sent(uint8_t *to)
{
    uint32_t count = out_count;
    memcpy(to, out, count);
    out_count = 0;
    return count;
}

void host_receive(const uint8_t *data, uint32_t count)
{
    memcpy(in, data, count);
    in_count = count;
    in_at = 0;
}

void uart_put(uint8_t byte)
{
    if (out_count < LINE_BYTES)
        out[out_count++] = byte;
}

int16_t uart_get(void)
{
    return in_at < in_count ? in[in_at++] : -1;
}

enum bus bus_write(uint8_t address, const uint8_t *data, uint8_t count)
{
    return host.write ? (enum bus)host.write(address, data, count) : BUS_REFUSED;
}

enum bus bus_read(uint8_t address, uint8_t from, uint8_t *data, uint8_t count)
{
    return host.read ? (enum bus)host.read(address, from, data, count) : BUS_REFUSED;
}

bool bus_recover(void)
{
    return host.recover ? host.recover() : true;
}

uint64_t clock_us(void)
{
    return host.now_us;
}

uint8_t interrupts_off(void)
{
    if (host.pass)
        host.pass();
    return 0;
}

void interrupts_restore(uint8_t before)
{
    (void)before;
}

void sleep_until_interrupt(void)
{
    if (host.sleep)
        host.sleep();
    else
        host.now_us += 32768;
}

void watchdog_kick(void)
{
    host.kicks++;
}

uint16_t count_boot(void)
{
    return 1;
}

uint8_t reset_cause(void)
{
    return RESET_POWER;
}
