/* The two-wire interface as a master at 400 kHz, polled: a byte takes 25 µs. The sensor board has
 * pull-ups; those of the AVR, which pull to its supply, stay off. */
#include "twi.h"

#include <avr/io.h>
#include <util/delay.h>
#include <util/twi.h>

#include "target.h"

enum {
    SDA = _BV(PORTC4),
    SCL = _BV(PORTC5),
    CLOCKS = 9,
    NEVER = 0xFF,
};

#define DIVISOR ((F_CPU / 400000 - 16) / 2)
/* One millisecond, in rounds of a loop of about ten clock cycles. */
#define PATIENCE (F_CPU / 10000)

void twi_init(void)
{
    DDRC &= (uint8_t) ~(SDA | SCL);
    PORTC &= (uint8_t) ~(SDA | SCL);
    TWSR = 0;
    TWBR = DIVISOR;
    TWCR = _BV(TWEN);
}

/* Starts the operation `control`, waits for its end, returns the status. */
static uint8_t done(uint8_t control)
{
    TWCR = control | _BV(TWINT) | _BV(TWEN);
    for (uint16_t i = 0; i < PATIENCE; i++)
        if (TWCR & _BV(TWINT))
            return TW_STATUS;
    return NEVER;
}

static uint8_t sent(uint8_t byte)
{
    TWDR = byte;
    return done(0);
}

static enum bus stopped(enum bus outcome)
{
    TWCR = _BV(TWSTO) | _BV(TWINT) | _BV(TWEN);
    for (uint16_t i = 0; i < PATIENCE; i++)
        if (!(TWCR & _BV(TWSTO)))
            return outcome;
    TWCR = 0;
    return outcome == BUS_OK ? BUS_BROKEN : outcome;
}

/* Sends the register number and keeps the bus. */
static bool begun(uint8_t address, uint8_t at)
{
    return done(_BV(TWSTA)) == TW_START && sent(address << 1 | TW_WRITE) == TW_MT_SLA_ACK &&
           sent(at) == TW_MT_DATA_ACK;
}

enum bus bus_write(uint8_t address, const uint8_t *data, uint8_t count)
{
    if (!begun(address, *data))
        return stopped(BUS_REFUSED);
    while (--count)
        if (sent(*++data) != TW_MT_DATA_ACK)
            return stopped(BUS_BROKEN);
    return stopped(BUS_OK);
}

enum bus bus_read(uint8_t address, uint8_t from, uint8_t *data, uint8_t count)
{
    if (!begun(address, from) || done(_BV(TWSTA)) != TW_REP_START ||
        sent(address << 1 | TW_READ) != TW_MR_SLA_ACK)
        return stopped(BUS_REFUSED);
    while (count--) {
        uint8_t status = done(count ? _BV(TWEA) : 0);
        if (status != (count ? TW_MR_DATA_ACK : TW_MR_DATA_NACK))
            return stopped(BUS_BROKEN);
        *data++ = TWDR;
    }
    return stopped(BUS_OK);
}

static void low(uint8_t line)
{
    DDRC |= line;
    _delay_us(5);
}

static void released(uint8_t line)
{
    DDRC &= (uint8_t)~line;
    _delay_us(5);
}

bool bus_recover(void)
{
    /* A slave that was interrupted within a byte sends a bit at each clock, then releases SDA. */
    TWCR = 0;
    for (uint8_t i = 0; i < CLOCKS && !(PINC & SDA); i++) {
        low(SCL);
        released(SCL);
    }
    if (PINC & SDA) { /* a stop */
        low(SCL);
        low(SDA);
        released(SCL);
        released(SDA);
    }
    bool is_free = (PINC & SDA) && (PINC & SCL);
    twi_init();
    return is_free;
}
