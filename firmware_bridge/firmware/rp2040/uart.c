/* UART 0 at 115200 baud, 8N1 (0.08 % slow at 12 MHz): a FIFO of 32 bytes and a ring buffer. */
#include "registers.h"
#include "rp2040.h"
#include "target.h"

enum {
    RING = 512,
    IN = 64,
    TX_FULL = 1 << 5,
    RX_EMPTY = 1 << 4,
    RX = 1 << 4,
    TX = 1 << 5,
    RX_TIMEOUT = 1 << 6,
    WORD_8_FIFO = 7 << 4,
    ON = 1 << 9 | 1 << 8 | 1,
};

#define BAUD 115200u
/* The clock divided by 16 times the baud rate, in 64ths, rounded. */
#define DIVISOR64 ((F_CRYSTAL * 8 / BAUD + 1) / 2)

/* As for the ATmega328P: 15.6 bytes a sample. */
const uint32_t FASTEST_MHZ = 500000;

static volatile uint8_t out[RING], in[IN];
static volatile uint16_t out_first, out_last;
static volatile uint8_t in_first, in_last;

void uart_init(void)
{
    PAD(PIN_RX) = PAD_INPUT | PAD_PULL_UP | PAD_SCHMITT;
    GPIO_CTRL(PIN_TX) = FUNCTION_UART;
    GPIO_CTRL(PIN_RX) = FUNCTION_UART;
    UART_IBRD = DIVISOR64 / 64;
    UART_FBRD = DIVISOR64 % 64;
    UART_LCR_H = WORD_8_FIFO; /* this write also applies the divisor */
    UART_CR = ON;
    UART_IMSC = RX | TX | RX_TIMEOUT;
}

/* Fills the FIFO from the ring. The interrupt occurs when the FIFO becomes low, not while it is
 * low, so uart_put must fill the FIFO, too. */
static void fill(void)
{
    while (out_first != out_last && !(UART_FR & TX_FULL)) {
        UART_DR = out[out_first];
        out_first = (out_first + 1) % RING;
    }
}

void on_uart(void)
{
    UART_ICR = RX | TX | RX_TIMEOUT;
    fill();
    while (!(UART_FR & RX_EMPTY)) {
        uint8_t byte = (uint8_t)UART_DR, next = (in_last + 1) % IN;
        if (next == in_first)
            continue;
        in[in_last] = byte;
        in_last = next;
    }
}

void uart_put(uint8_t byte)
{
    for (;;) {
        uint8_t before = interrupts_off();
        uint16_t next = (out_last + 1) % RING;
        if (next != out_first) {
            out[out_last] = byte;
            out_last = next;
            fill();
            interrupts_restore(before);
            return;
        }
        sleep_until_interrupt();
    }
}

int16_t uart_get(void)
{
    if (in_first == in_last)
        return -1;
    uint8_t byte = in[in_first];
    in_first = (in_first + 1) % IN;
    return byte;
}
