#include "pace.h"

uint32_t paced(uint32_t last_us, uint32_t for_us, uint32_t now_us, uint32_t period_us)
{
    int32_t late = (int32_t)(now_us - last_us - for_us);
    if (late < 0)
        return last_us + late;
    if ((uint32_t)late > period_us)
        return last_us + late - period_us;
    return last_us;
}
