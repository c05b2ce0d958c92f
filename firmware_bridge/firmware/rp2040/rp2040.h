#pragma once

#include <stdint.h>

#define F_CRYSTAL 12000000u

enum { IRQ_TIMER = 0, IRQ_GPIO = 13, IRQ_UART = 20 };

/* GP0 and GP1 are UART 0, GP4 and GP5 I2C 0; INT of the sensor goes to GP6. */
enum { PIN_TX = 0, PIN_RX = 1, PIN_SDA = 4, PIN_SCL = 5, PIN_INT = 6 };
enum { FUNCTION_UART = 2, FUNCTION_I2C = 3, FUNCTION_SIO = 5 };
enum { PAD_INPUT = 1 << 6, PAD_PULL_UP = 1 << 3, PAD_PULL_DOWN = 1 << 2, PAD_SCHMITT = 1 << 1 };

void on_timer(void);
void on_gpio(void);
void on_uart(void);
void uart_init(void);
void i2c_init(void);
