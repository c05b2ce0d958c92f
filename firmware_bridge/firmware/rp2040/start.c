/* From reset to main: vectors, variables, clocks. All clocks run from the crystal's 12 MHz, which
 * is enough, so no PLL is needed. */
#include <stdint.h>

#include "registers.h"
#include "rp2040.h"

extern uint32_t data_begin[], data_end[], bss_begin[], bss_end[];
extern const uint32_t data_image[];
extern uint32_t stack_top[];
int main(void);
void start(void);

static void hang(void)
{
    for (;;) /* until the watchdog resets */
        ;
}

enum { IO_BANK0 = 5, I2C0 = 3, PADS_BANK0 = 8, TIMER = 21, UART0 = 22 };

#define NEEDED (1u << IO_BANK0 | 1u << I2C0 | 1u << PADS_BANK0 | 1u << TIMER | 1u << UART0)

static void start_clocks(void)
{
    XOSC_STARTUP = 47; /* 1 ms, in units of 256 periods */
    XOSC_CTRL = 0xFAB << 12 | 0xAA0;
    while (!(XOSC_STATUS & 1u << 31))
        ;
    CLK_REF_CTRL = 2; /* the crystal */
    while (!(CLK_REF_SELECTED & 1u << 2))
        ;
    CLK_SYS_CTRL = 0;          /* from CLK_REF */
    CLK_PERI_CTRL = 1u << 11;  /* on, from CLK_SYS */
    WATCHDOG_TICK = 1u << 9 | F_CRYSTAL / 1000000; /* 1 µs, for timer and watchdog */
    CLEAR(RESETS_RESET) = NEEDED;
    while ((RESETS_DONE & NEEDED) != NEEDED)
        ;
}

void start(void)
{
    const uint32_t *from = data_image;
    for (uint32_t *to = data_begin; to < data_end;)
        *to++ = *from++;
    for (uint32_t *to = bss_begin; to < bss_end;)
        *to++ = 0;
    start_clocks();
    main();
}

typedef void (*vector)(void);

__attribute__((section(".vectors"), used)) static const vector vectors[16 + 26] = {
    [0] = (vector)stack_top,
    [1] = start,
    [2] = hang,
    [3] = hang,
    [11] = hang,
    [14] = hang,
    [15] = hang,
    [16 + IRQ_TIMER] = on_timer,
    [16 + IRQ_GPIO] = on_gpio,
    [16 + IRQ_UART] = on_uart,
};
