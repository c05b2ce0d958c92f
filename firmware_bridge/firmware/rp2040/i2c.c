/* I2C 0 as a master at 400 kHz, polled. Its pull-ups, to 3.3 V, help those of the sensor. */
#include "registers.h"
#include "rp2040.h"
#include "target.h"

enum {
    MASTER_FAST_RESTART = 1 | 2 << 1 | 1 << 5 | 1 << 6,
    READ = 1 << 8,
    STOP = 1 << 9,
    RESTART = 1 << 10,
    TX_ABORT = 1 << 6,
    STOPPED = 1 << 9,
    /* of TX_ABRT_SOURCE: the address, or a byte, was not acknowledged */
    ADDRESS_NACK = 1,
    DATA_NACK = 1 << 3,
    CLOCKS = 9,
    PATIENCE_US = 3000, /* for the longest transfer: 15 bytes take 0.4 ms */
    HALF_PERIOD_US = 5,
};

static const uint32_t SDA = 1u << PIN_SDA, SCL = 1u << PIN_SCL;

static bool waited(uint32_t since_us)
{
    return TIMER_RAWL - since_us > PATIENCE_US;
}

void i2c_init(void)
{
    PAD(PIN_SDA) = PAD(PIN_SCL) = PAD_INPUT | PAD_PULL_UP | PAD_SCHMITT;
    GPIO_CTRL(PIN_SDA) = GPIO_CTRL(PIN_SCL) = FUNCTION_I2C;
    I2C_ENABLE = 0;
    I2C_CON = MASTER_FAST_RESTART;
    /* 30 periods of 12 MHz a bit, low for three fifths of it; spikes below a period, data held
     * for 0.33 µs. */
    I2C_FS_SCL_HCNT = 12;
    I2C_FS_SCL_LCNT = 18;
    I2C_FS_SPKLEN = 1;
    I2C_SDA_HOLD = 4;
    I2C_INTR_MASK = 0;
}

static void begin(uint8_t address)
{
    I2C_ENABLE = 0;
    I2C_TAR = address;
    I2C_ENABLE = 1;
    (void)I2C_CLR_TX_ABRT;
    (void)I2C_CLR_STOP_DET;
}

/* Waits for the stop that ends every transfer, also an aborted one. */
static enum bus ended(bool reading)
{
    uint32_t since_us = TIMER_RAWL;
    while (!(I2C_RAW_INTR_STAT & STOPPED))
        if (waited(since_us)) {
            I2C_ENABLE = 0;
            return BUS_BROKEN;
        }
    if (!(I2C_RAW_INTR_STAT & TX_ABORT))
        return BUS_OK;
    uint32_t why = I2C_TX_ABRT_SOURCE;
    (void)I2C_CLR_TX_ABRT;
    /* A read writes the register number only, so no data has been transferred yet. */
    return why & ADDRESS_NACK || (reading && why & DATA_NACK) ? BUS_REFUSED : BUS_BROKEN;
}

/* At most 16 commands, which the FIFO holds without waiting. */
enum bus bus_write(uint8_t address, const uint8_t *data, uint8_t count)
{
    begin(address);
    for (; count; count--)
        I2C_DATA_CMD = *data++ | (count == 1 ? STOP : 0);
    return ended(false);
}

enum bus bus_read(uint8_t address, uint8_t from, uint8_t *data, uint8_t count)
{
    begin(address);
    I2C_DATA_CMD = from;
    for (uint8_t i = 0; i < count; i++)
        I2C_DATA_CMD = READ | (i == 0 ? RESTART : 0) | (i == count - 1 ? STOP : 0);
    enum bus outcome = ended(true);
    if (outcome == BUS_OK && I2C_RXFLR < count)
        return BUS_BROKEN;
    while (outcome == BUS_OK && count--)
        *data++ = (uint8_t)I2C_DATA_CMD;
    return outcome;
}

static void half_period(void)
{
    uint32_t since_us = TIMER_RAWL;
    while (TIMER_RAWL - since_us < HALF_PERIOD_US)
        ;
}

static void low(uint32_t line)
{
    SIO_GPIO_OE_SET = line;
    half_period();
}

static void released(uint32_t line)
{
    SIO_GPIO_OE_CLR = line;
    half_period();
}

bool bus_recover(void)
{
    I2C_ENABLE = 0;
    SIO_GPIO_OUT_CLR = SDA | SCL;
    SIO_GPIO_OE_CLR = SDA | SCL;
    GPIO_CTRL(PIN_SDA) = GPIO_CTRL(PIN_SCL) = FUNCTION_SIO;
    /* A slave that was interrupted within a byte sends a bit at each clock, then releases SDA. */
    for (uint8_t i = 0; i < CLOCKS && !(SIO_GPIO_IN & SDA); i++) {
        low(SCL);
        released(SCL);
    }
    if (SIO_GPIO_IN & SDA) { /* a stop */
        low(SCL);
        low(SDA);
        released(SCL);
        released(SDA);
    }
    bool is_free = (SIO_GPIO_IN & (SDA | SCL)) == (SDA | SCL);
    i2c_init();
    return is_free;
}
