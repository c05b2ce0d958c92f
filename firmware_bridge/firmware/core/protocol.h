/* Made from protocol.py by make protocol. Do not edit. */
#pragma once

#define PROTOCOL_VERSION 1
#define HEADER_BYTES 11
#define SAMPLE_BYTES 14
#define HELLO_BYTES 19
#define FIRMWARE_BYTES 16
#define STATUS_BYTES 12
#define COMMAND_BYTES 5
#define MAX_BATCH 32
#define MAX_CONTENT 459
#define UNKNOWN_TEMPERATURE (-32768)
#define TYPE_HELLO 1
#define TYPE_BATCH 2
#define TYPE_STATUS 3
#define TYPE_COMMAND 16
#define CODE_HELLO 1
#define CODE_START 2
#define CODE_STOP 3
#define CODE_SET_RATE 4
#define RESET_POWER 1
#define RESET_PIN 2
#define RESET_BROWN_OUT 4
#define RESET_WATCHDOG 8
#define TROUBLE_NO_INTERRUPT 1
#define TROUBLE_NO_ANSWER 2
#define TROUBLE_WRONG_CHIP 4
#define TROUBLE_BUS_STUCK 8
