/* The second boot stage. The chip's ROM copies these 252 bytes to RAM, checks the CRC after them,
 * and runs them. They map the flash to 0x10000000 with the read command that every flash has (03h,
 * one bit at a time), then start the program. (Data sheet, 2.8.1 and 4.10.) */
#include "registers.h"

enum {
    FRAME_32_BITS = 31 << 16,
    EEPROM_READ = 3 << 8, /* sends command and address, receives data */
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
