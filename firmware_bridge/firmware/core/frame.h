/* Frames: CRC-16/CCITT-FALSE, COBS, a zero on both sides. See PROTOCOL.md. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocol.h"

enum { CRC_BYTES = 2, COMMAND_CONTENT = HEADER_BYTES + COMMAND_BYTES };

uint16_t crc16(const uint8_t *data, uint16_t count);

/* Sends `content` as a frame. Overwrites the two bytes after it with the CRC. */
void frame_send(uint8_t *content, uint16_t count);

/* Finds frames in received bytes. Frames longer than a command are dropped. */
struct frame_reader {
    uint8_t count;
    bool skipping;
    uint8_t bytes[COMMAND_CONTENT + CRC_BYTES + 1];
};

/* Takes a byte. Returns 0, or the length of the completed content, which is at `bytes + 1`. */
uint8_t frame_read(struct frame_reader *reader, uint8_t byte);
