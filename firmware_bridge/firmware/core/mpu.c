#include "mpu.h"

#include "wait.h"

enum {
    ADDRESS = 0x68, /* or 0x69, with AD0 high */
    SMPLRT_DIV = 0x19,
    ACCEL_CONFIG2 = 0x1D,
    FIFO_EN = 0x23,
    INT_PIN_CFG = 0x37,
    TEMP_OUT_H = 0x41,
    USER_CTRL = 0x6A,
    PWR_MGMT_1 = 0x6B,
    FIFO_COUNTH = 0x72,
    FIFO_R_W = 0x74,
    WHO_AM_I = 0x75,

    DEVICE_RESET = 0x80,
    SLEEP = 0x40,
    CLOCK_GYRO_X = 0x01,
    FIFO_ON = 0x40,
    FIFO_RESET = 0x04,
    ACC_AND_GYRO = 0x78,
    DATA_READY = 0x01,

    TRIES = 3,
    START_UP_MS = 100, /* PS-MPU-6000A: registers are writable 20 to 100 ms after a reset */
    WAKE_UP_MS = 35,   /* the gyro's clock takes 30 ms to settle */
};

#define INTERNAL_MHZ 1000000ul /* of the data path, while its low-pass is on */

uint16_t bus_faults;
bool bus_stuck;

static uint8_t address = ADDRESS, chip, divider_set;

/* WHO_AM_I of the MPU-6050 and a copy; of the MPU-6500, MPU-9250 and their family, which have half
 * the FIFO and a separate low-pass for the accelerometer. */
static const uint8_t first[] = {0x68, 0x72};
static const uint8_t later[] = {0x70, 0x71, 0x73, 0x74, 0x98, 0xAF};

static bool is_one_of(uint8_t who, const uint8_t *chips, uint8_t count)
{
    while (count--)
        if (*chips++ == who)
            return true;
    return false;
}

static bool is_later(void)
{
    return is_one_of(chip, later, sizeof later);
}

static enum bus tried(enum bus outcome)
{
    if (outcome == BUS_OK) {
        bus_stuck = false;
        return outcome;
    }
    if (bus_faults != UINT16_MAX)
        bus_faults++;
    bus_stuck = !bus_recover();
    return outcome;
}

static bool put(uint8_t at, uint8_t value)
{
    const uint8_t bytes[2] = {at, value};
    for (uint8_t i = 0; i < TRIES; i++)
        if (tried(bus_write(address, bytes, 2)) == BUS_OK)
            return true;
    return false;
}

static bool get(uint8_t from, uint8_t *data, uint8_t count)
{
    for (uint8_t i = 0; i < TRIES; i++)
        if (tried(bus_read(address, from, data, count)) == BUS_OK)
            return true;
    return false;
}

/* A bandwidth below half the rate, against aliasing (RM-MPU-6000A, register 0x1A). */
static uint8_t low_pass(uint8_t divider)
{
    if (divider < 2)
        return 1; /* 184 Hz, below 250 */
    if (divider < 5)
        return 2; /* 94 Hz, below 100 */
    if (divider < 11)
        return 3; /* 44 Hz, below 45 */
    if (divider < 23)
        return 4; /* 21 Hz, below 22 */
    if (divider < 50)
        return 5; /* 10 Hz, half of 20 */
    return 6; /* 5 Hz */
}

enum { SETTINGS = 4 };

/* SMPLRT_DIV, CONFIG, GYRO_CONFIG, ACCEL_CONFIG, at consecutive addresses. */
static void settings(uint8_t values[SETTINGS])
{
    values[0] = divider_set;
    values[1] = low_pass(divider_set);
    values[2] = 2 << 3; /* 1000 degrees a second */
    values[3] = 1 << 3; /* 4 g */
}

uint8_t mpu_chip(void)
{
    return chip;
}

uint8_t mpu_capacity(void)
{
    /* Of 1024 or 512 bytes, less one sample: a full FIFO may have overflowed. */
    return is_later() ? 41 : 84;
}

enum mpu mpu_set_up(uint8_t divider)
{
    uint8_t who, values[SETTINGS];
    divider_set = divider;
    if (!get(WHO_AM_I, &who, 1)) {
        address ^= 1;
        return MPU_NO_ANSWER;
    }
    if (!is_one_of(who, first, sizeof first) && !is_one_of(who, later, sizeof later))
        return MPU_WRONG_CHIP;
    chip = who;
    if (!put(PWR_MGMT_1, DEVICE_RESET))
        return MPU_NO_ANSWER;
    wait_ms(START_UP_MS);
    if (!put(PWR_MGMT_1, CLOCK_GYRO_X))
        return MPU_NO_ANSWER;
    wait_ms(WAKE_UP_MS);
    settings(values);
    for (uint8_t i = 0; i < SETTINGS; i++)
        if (!put(SMPLRT_DIV + i, values[i]))
            return MPU_NO_ANSWER;
    if (is_later() && !put(ACCEL_CONFIG2, values[1]))
        return MPU_NO_ANSWER;
    /* INT goes high for 50 µs at each sample. */
    if (!put(INT_PIN_CFG, 0) || !put(FIFO_EN, ACC_AND_GYRO) || !put(INT_PIN_CFG + 1, DATA_READY))
        return MPU_NO_ANSWER;
    return mpu_check();
}

enum mpu mpu_check(void)
{
    uint8_t is[SETTINGS], shall[SETTINGS], pins[2], fifo, power;
    settings(shall);
    if (!get(SMPLRT_DIV, is, SETTINGS) || !get(INT_PIN_CFG, pins, 2) || !get(FIFO_EN, &fifo, 1) ||
        !get(PWR_MGMT_1, &power, 1))
        return MPU_NO_ANSWER;
    bool same = pins[0] == 0 && pins[1] == DATA_READY && fifo == ACC_AND_GYRO &&
                power == CLOCK_GYRO_X;
    for (uint8_t i = 0; i < SETTINGS; i++)
        same = same && is[i] == shall[i];
    return same ? MPU_OK : MPU_CHANGED;
}

bool mpu_restart_fifo(void)
{
    /* The chip empties the FIFO only while it is off. */
    return put(USER_CTRL, 0) && put(USER_CTRL, FIFO_RESET) && put(USER_CTRL, FIFO_ON);
}

bool mpu_fifo_samples(uint8_t *samples)
{
    uint8_t both[2];
    /* Half a sample: the chip may be writing the rest, so read again. */
    for (uint8_t i = 0; i < TRIES; i++) {
        if (!get(FIFO_COUNTH, both, 2))
            return false;
        uint16_t bytes = (uint16_t)both[0] << 8 | both[1];
        *samples = (uint8_t)(bytes / COUNTS_BYTES);
        if (bytes % COUNTS_BYTES == 0)
            return true;
    }
    *samples = FIFO_TORN;
    return true;
}

enum bus mpu_sample(uint8_t counts[COUNTS_BYTES])
{
    enum bus outcome = BUS_REFUSED;
    for (uint8_t i = 0; i < TRIES && outcome == BUS_REFUSED; i++)
        outcome = tried(bus_read(address, FIFO_R_W, counts, COUNTS_BYTES));
    return outcome;
}

bool mpu_temperature(int16_t *centi_c)
{
    uint8_t both[2];
    if (!get(TEMP_OUT_H, both, 2))
        return false;
    int32_t raw = (int16_t)((uint16_t)both[0] << 8 | both[1]);
    /* 340 counts a degree and 36.53 at 0, or 333.87 and 21 (register maps, TEMP_OUT). */
    *centi_c = (int16_t)(is_later() ? raw * 100 / 334 + 2100 : raw * 5 / 17 + 3653);
    return true;
}

void mpu_sleep(void)
{
    put(PWR_MGMT_1, SLEEP | CLOCK_GYRO_X);
}

bool mpu_divider(uint32_t rate_mhz, uint8_t *divider)
{
    if (rate_mhz == 0 || rate_mhz > FASTEST_MHZ)
        return false;
    uint32_t parts = (INTERNAL_MHZ + rate_mhz / 2) / rate_mhz;
    if (parts == 0 || parts > 256 || (INTERNAL_MHZ + parts / 2) / parts != rate_mhz)
        return false;
    *divider = (uint8_t)(parts - 1);
    return true;
}
