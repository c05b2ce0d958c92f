#pragma once

void twi_init(void);
