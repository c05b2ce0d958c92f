#include "frame.h"

#include "target.h"

enum { LONGEST_RUN = 254 };

uint16_t crc16(const uint8_t *data, uint16_t count)
{
    uint16_t crc = 0xFFFF;
    while (count--) {
        uint8_t x = (uint8_t)(crc >> 8) ^ *data++;
        x ^= x >> 4;
        crc = (uint16_t)(crc << 8 ^ (uint16_t)x << 12 ^ (uint16_t)x << 5 ^ x);
    }
    return crc;
}

static void send_run(const uint8_t *run, uint8_t length)
{
    uart_put(length + 1);
    while (length--)
        uart_put(*run++);
}

void frame_send(uint8_t *content, uint16_t count)
{
    uint16_t crc = crc16(content, count);
    content[count] = (uint8_t)crc;
    content[count + 1] = (uint8_t)(crc >> 8);
    const uint8_t *run = content, *end = content + count + CRC_BYTES;
    uint8_t length = 0;
    uart_put(0);
    for (const uint8_t *at = content; at != end; at++) {
        if (*at != 0 && ++length < LONGEST_RUN)
            continue;
        /* A run ends at its largest length, or at a zero, which the next code then implies. */
        send_run(run, length);
        run = at + 1;
        length = 0;
    }
    send_run(run, length);
    uart_put(0);
}

/* Decodes COBS in place: replaces each code by the zero that it stands for. */
static uint8_t decoded(uint8_t *bytes, uint8_t count)
{
    uint8_t at = 0;
    while (at < count) {
        uint8_t code = bytes[at];
        if (code > count - at)
            return 0;
        bytes[at] = 0;
        at += code;
    }
    return count - 1;
}

uint8_t frame_read(struct frame_reader *reader, uint8_t byte)
{
    if (byte != 0) {
        if (reader->count == sizeof reader->bytes)
            reader->skipping = true;
        else
            reader->bytes[reader->count++] = byte;
        return 0;
    }
    uint8_t count = reader->skipping || reader->count <= 1 + CRC_BYTES ? 0 : reader->count;
    reader->count = 0;
    reader->skipping = false;
    if (count == 0 || (count = decoded(reader->bytes, count)) == 0)
        return 0;
    count -= CRC_BYTES;
    const uint8_t *content = reader->bytes + 1, *crc = content + count;
    return crc16(content, count) == (crc[0] | (uint16_t)crc[1] << 8) ? count : 0;
}
