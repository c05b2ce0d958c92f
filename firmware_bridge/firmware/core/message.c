#include "message.h"

#include <string.h>

#include "target.h"

uint8_t message[HEADER_BYTES + BATCH * SAMPLE_BYTES + CRC_BYTES];

_Static_assert(HEADER_BYTES + HELLO_BYTES + FIRMWARE_BYTES + CRC_BYTES <= sizeof message, "room");
_Static_assert(BATCH <= MAX_BATCH, "a batch");

static uint16_t seq;

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers go out as they lie in memory");

static uint8_t *copy(uint8_t *at, const void *from, uint8_t bytes)
{
    memcpy(at, from, bytes);
    return at + bytes;
}

#define PUT(at, value) copy((at), &(value), sizeof(value))

static uint8_t *header(uint8_t type, uint32_t time_us, uint32_t index)
{
    uint8_t *at = message;
    *at++ = type;
    at = PUT(at, seq);
    seq++;
    at = PUT(at, time_us);
    return PUT(at, index);
}

static void send(const uint8_t *end)
{
    frame_send(message, (uint16_t)(end - message));
}

void send_hello(const struct hello *hello, uint32_t index)
{
    uint8_t *at = header(TYPE_HELLO, (uint32_t)hello->uptime_us, index);
    *at++ = PROTOCOL_VERSION;
    *at++ = hello->chip;
    *at++ = hello->acc_full_scale_g;
    at = PUT(at, hello->gyro_full_scale_dps);
    at = PUT(at, hello->rate_mhz);
    at = PUT(at, hello->uptime_us);
    at = PUT(at, hello->boot);
    for (uint8_t i = 0; i < FIRMWARE_BYTES && FIRMWARE_NAME[i]; i++)
        *at++ = (uint8_t)FIRMWARE_NAME[i];
    send(at);
}

void send_status(const struct status *status, uint32_t time_us, uint32_t index)
{
    uint8_t *at = header(TYPE_STATUS, time_us, index);
    at = PUT(at, status->overflowed);
    at = PUT(at, status->bus_faults);
    at = PUT(at, status->chip_restarts);
    at = PUT(at, status->centi_c);
    *at++ = status->reset;
    *at++ = status->trouble;
    send(at);
}

void message_sample(uint8_t number, uint16_t dt_us, const uint8_t *counts)
{
    uint8_t *at = PUT(message + HEADER_BYTES + number * SAMPLE_BYTES, dt_us);
    for (uint8_t i = 0; i < 12; i += 2) {
        *at++ = counts[i + 1];
        *at++ = counts[i];
    }
}

void send_batch(uint8_t samples, uint32_t time_us, uint32_t index)
{
    header(TYPE_BATCH, time_us, index);
    send(message + HEADER_BYTES + samples * SAMPLE_BYTES);
}

bool command_read(const uint8_t *content, uint8_t count, struct command *command)
{
    if (count != COMMAND_CONTENT || content[0] != TYPE_COMMAND)
        return false;
    const uint8_t *body = content + HEADER_BYTES;
    command->code = body[0];
    command->argument = body[1] | (uint32_t)body[2] << 8 | (uint32_t)body[3] << 16 |
                        (uint32_t)body[4] << 24;
    return true;
}
