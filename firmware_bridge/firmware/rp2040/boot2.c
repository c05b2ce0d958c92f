/* The second boot stage: the chip's ROM copies these 252 bytes to RAM, checks the CRC behind them,
 * and runs them. They make the flash readable at 0x10000000 with the command that every flash knows
 * (03h, one bit at a time), then start what stands behind them. (Data sheet, 2.8.1 and 4.10.) */
#include "registers.h"

enum {
    FRAME_32_BITS = 31 << 16,
    EEPROM_READ = 3 << 8, /* command and address out, data in */
    READ = 0x03u << 24,
    COMMAND_8_BITS = 2 << 8,
    ADDRESS_24_BITS = 6 << 2,
    CLOCK_DIVIDER = 2,
};

__attribute__((section(".boot2"), naked, used)) void boot2(void)
{
    SSI_SSIENR = 0;
    SSI_BAUDR = CLOCK_DIVIDER;
    SSI_CTRLR0 = FRAME_32_BITS | EEPROM_READ;
    SSI_CTRLR1 = 0;
    SSI_SPI_CTRLR0 = READ | COMMAND_8_BITS | ADDRESS_24_BITS;
    SSI_SSIENR = 1;
    VTOR = 0x10000100;
    __asm volatile("ldr r0, =0x10000100\n"
                   "ldmia r0, {r0, r1}\n"
                   "msr msp, r0\n"
                   "bx r1\n"
                   ".ltorg\n");
}
