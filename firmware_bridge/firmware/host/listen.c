/* Feeds standard input to the core and writes its answers. For sanitizers. */
#include <stdio.h>

#include "app.h"
#include "host.h"

int main(void)
{
    static uint8_t bytes[1 << 16];
    app_start();
    for (int i = 0; i < 10; i++)
        app_step();
    fwrite(bytes, 1, host_sent(bytes), stdout);
    for (size_t count; (count = fread(bytes, 1, 4096, stdin)) > 0;) {
        host_receive(bytes, (uint32_t)count);
        for (int i = 0; i < 20; i++)
            app_step();
        fwrite(bytes, 1, host_sent(bytes), stdout);
    }
    return 0;
}
