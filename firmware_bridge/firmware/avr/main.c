/* ATmega328P: interrupts, sleep, watchdog, EEPROM, main. The sensor's INT is D2 (INT0, PD2). */
#include <avr/eeprom.h>
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>
#include <avr/wdt.h>

#include "app.h"
#include "clock.h"
#include "protocol.h"
#include "sampler.h"
#include "target.h"
#include "twi.h"
#include "uart.h"

const char FIRMWARE_NAME[] = "edgehar-avr 1";

static uint8_t reset_flags __attribute__((section(".noinit")));

/* Runs before main: after a watchdog reset the watchdog is still on, with its shortest time. */
void reset_flags_keep(void) __attribute__((naked, used, section(".init3")));
void reset_flags_keep(void)
{
    reset_flags = MCUSR;
    MCUSR = 0;
    wdt_disable();
}

ISR(INT0_vect)
{
    sampler_data_ready(clock_low_us());
}

uint8_t interrupts_off(void)
{
    uint8_t before = SREG;
    cli();
    return before;
}

void interrupts_restore(uint8_t before)
{
    SREG = before;
}

void sleep_until_interrupt(void)
{
    sleep_enable();
    sei(); /* the next instruction runs before any interrupt */
    sleep_cpu();
    sleep_disable();
}

void watchdog_kick(void)
{
    wdt_reset();
}

uint16_t count_boot(void)
{
    /* An erased cell reads 0xFFFF. Its two bytes last for all 65,536 counts. */
    static uint16_t EEMEM boots;
    uint16_t boot = eeprom_read_word(&boots) + 1;
    if (boot == 0)
        boot = 1;
    eeprom_update_word(&boots, boot);
    return boot;
}

uint8_t reset_cause(void)
{
    return (reset_flags & _BV(PORF) ? RESET_POWER : 0) | (reset_flags & _BV(EXTRF) ? RESET_PIN : 0) |
           (reset_flags & _BV(BORF) ? RESET_BROWN_OUT : 0) |
           (reset_flags & _BV(WDRF) ? RESET_WATCHDOG : 0);
}

int main(void)
{
    PRR = _BV(PRTIM2) | _BV(PRTIM0) | _BV(PRSPI) | _BV(PRADC);
    wdt_enable(WDTO_500MS);
    set_sleep_mode(SLEEP_MODE_IDLE);
    clock_init();
    uart_init();
    twi_init();
    PORTD |= _BV(PORTD2); /* a pull-up: an open pin must give no interrupts */
    EICRA = _BV(ISC01) | _BV(ISC00);
    EIFR = _BV(INTF0);
    EIMSK = _BV(INT0);
    sei();
    app_start();
    for (;;)
        app_step();
}
