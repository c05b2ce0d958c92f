/* UART 0, 8N1, with interrupts and ring buffers. At double speed and 16 MHz, 115200 baud is really
 * 117647, 2.1 % fast; two ends may differ by 4 %. At 8 MHz, 57600 baud has the same error. */
#include "uart.h"

#include <avr/interrupt.h>
#include <avr/io.h>
#include <stdint.h>

#include "target.h"

#define DIVISOR ((F_CPU + 4ul * BAUD) / (8ul * BAUD) - 1)
#define REAL_BAUD (F_CPU / 8 / (DIVISOR + 1))

#if REAL_BAUD * 40 > BAUD * 41ul || REAL_BAUD * 40 < BAUD * 39ul
#error "BAUD: more than 2.5 % off with this clock"
#endif

enum { RX_BYTES = 64 };

/* A sample takes 15.6 bytes of ten bits on the line; the fastest usual rate below the limit. */
const uint32_t FASTEST_MHZ = BAUD >= 115200 ? 500000 : BAUD >= 57600 ? 250000 : 100000;

/* 256 places: the 8-bit indices wrap. */
static volatile uint8_t tx[256], tx_in, tx_out;
static volatile uint8_t rx[RX_BYTES], rx_in, rx_out;

void uart_init(void)
{
    UCSR0A = _BV(U2X0);
    UBRR0 = DIVISOR;
    UCSR0C = _BV(UCSZ01) | _BV(UCSZ00);
    UCSR0B = _BV(RXCIE0) | _BV(RXEN0) | _BV(TXEN0);
}

ISR(USART_UDRE_vect)
{
    if (tx_out == tx_in)
        UCSR0B &= (uint8_t)~_BV(UDRIE0);
    else
        UDR0 = tx[tx_out++];
}

ISR(USART_RX_vect)
{
    uint8_t byte = UDR0, next = (rx_in + 1) % RX_BYTES;
    if (next == rx_out)
        return;
    rx[rx_in] = byte;
    rx_in = next;
}

void uart_put(uint8_t byte)
{
    for (;;) {
        uint8_t before = interrupts_off();
        if ((uint8_t)(tx_in + 1) != tx_out) {
            tx[tx_in++] = byte;
            UCSR0B |= _BV(UDRIE0);
            interrupts_restore(before);
            return;
        }
        sleep_until_interrupt();
    }
}

int16_t uart_get(void)
{
    if (rx_out == rx_in)
        return -1;
    uint8_t byte = rx[rx_out];
    rx_out = (rx_out + 1) % RX_BYTES;
    return byte;
}
