#include "wait.h"

#include "target.h"

void wait_ms(uint8_t ms)
{
    uint64_t until = clock_us() + ms * 1000ul;
    while (clock_us() < until) {
        watchdog_kick();
        interrupts_off();
        sleep_until_interrupt();
    }
}
