/* RP2040: interrupts, clock, sleep, watchdog, main. */
#include "app.h"
#include "protocol.h"
#include "registers.h"
#include "rp2040.h"
#include "sampler.h"
#include "target.h"

enum { NAP_US = 32768, HANG_US = 500000 };

const char FIRMWARE_NAME[] = "edgehar-rp2040 1";

void on_gpio(void)
{
    GPIO_INTR(PIN_INT) = GPIO_EDGE_HIGH(PIN_INT);
    sampler_data_ready(TIMER_RAWL);
}

void on_timer(void)
{
    TIMER_INTR = 1;
}

uint64_t clock_us(void)
{
    uint32_t high = TIMER_RAWH;
    for (;;) {
        uint32_t low = TIMER_RAWL, again = TIMER_RAWH;
        if (again == high)
            return (uint64_t)high << 32 | low;
        high = again;
    }
}

uint8_t interrupts_off(void)
{
    uint32_t masked;
    __asm volatile("mrs %0, primask\n cpsid i" : "=r"(masked)::"memory");
    return (uint8_t)masked;
}

void interrupts_restore(uint8_t before)
{
    __asm volatile("msr primask, %0" ::"r"((uint32_t)before) : "memory");
}

void sleep_until_interrupt(void)
{
    TIMER_ALARM0 = TIMER_RAWL + NAP_US;
    /* A disabled interrupt still ends wfi; it is handled after cpsie. */
    __asm volatile("wfi\n cpsie i" ::: "memory");
}

void watchdog_kick(void)
{
    /* The counter decreases by two each microsecond (RP2040-E1). */
    WATCHDOG_LOAD = 2 * HANG_US;
}

uint16_t count_boot(void)
{
    return 0; /* the only permanent memory is the flash that holds the program */
}

uint8_t reset_cause(void)
{
    if (WATCHDOG_REASON & 3)
        return RESET_WATCHDOG;
    uint32_t had = CHIP_RESET;
    /* The power flag is also set by the brown-out detector. */
    return (had & 1u << 8 ? RESET_POWER : 0) | (had & 1u << 16 ? RESET_PIN : 0);
}

int main(void)
{
    watchdog_kick();
    PSM_WDSEL = 0x1FFFC; /* resets all but the oscillators */
    SET(WATCHDOG_CTRL) = 1u << 30;
    TIMER_INTE = 1;
    uart_init();
    i2c_init();
    PAD(PIN_INT) = PAD_INPUT | PAD_PULL_DOWN | PAD_SCHMITT;
    GPIO_CTRL(PIN_INT) = FUNCTION_SIO;
    GPIO_INTR(PIN_INT) = GPIO_EDGE_HIGH(PIN_INT);
    SET(GPIO_INTE(PIN_INT)) = GPIO_EDGE_HIGH(PIN_INT);
    NVIC_ISER = 1u << IRQ_TIMER | 1u << IRQ_GPIO | 1u << IRQ_UART;
    app_start();
    for (;;)
        app_step();
}
