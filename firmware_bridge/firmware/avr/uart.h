#pragma once

void uart_init(void);
