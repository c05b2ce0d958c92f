/* The clock: timer 1, 16 bits at an eighth of the CPU clock (0.5 µs at 16 MHz), and its overflows.
 * Wraps after four years. */
#include "clock.h"

#include <avr/interrupt.h>
#include <avr/io.h>

#include "target.h"

#define TICKS_PER_US (F_CPU / 8 / 1000000)

#if TICKS_PER_US != 1 && TICKS_PER_US != 2
#error "F_CPU: 8 or 16 MHz"
#endif

static volatile uint32_t overflows;

ISR(TIMER1_OVF_vect)
{
    overflows++;
}

void clock_init(void)
{
    TCCR1A = 0;
    TCCR1B = _BV(CS11);
    TIMSK1 = _BV(TOIE1);
}

/* The overflows that belong to this count, including one that is not handled yet. */
static uint32_t overflows_at(uint16_t ticks)
{
    return (TIFR1 & _BV(TOV1)) && ticks < 0x8000 ? overflows + 1 : overflows;
}

uint32_t clock_low_us(void)
{
    uint16_t ticks = TCNT1;
    uint32_t high = overflows_at(ticks);
    return TICKS_PER_US == 2 ? high << 15 | ticks >> 1 : high << 16 | ticks;
}

uint64_t clock_us(void)
{
    uint8_t before = interrupts_off();
    uint16_t ticks = TCNT1;
    uint64_t high = overflows_at(ticks);
    interrupts_restore(before);
    return (high << 16 | ticks) / TICKS_PER_US;
}
