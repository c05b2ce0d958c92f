/* Replaces /dev/i2c-N in one program (LD_PRELOAD) by a server at the unix socket
 * $EDGEHAR_I2C_SOCKET. It works as the kernel's i2c-dev and i2c-core, with their limits: I2C_SLAVE,
 * I2C_FUNCS, I2C_SMBUS (as plain transfers) and I2C_RDWR. It covers open and ioctl only: no
 * permissions, no udev, no read() and write().
 *
 * To the server, in the machine's byte order, one connection for each open file:
 *   open      u32 bus number                                        -> u8 errno
 *   transfer  u8 messages, each: u16 address, u16 flags, u16 length, the data if it is a write
 *             -> u8 errno; if that is 0, the data read
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/i2c-dev.h>
#include <linux/i2c.h>

#define FILES 1024
#define MAX_LENGTH 8192 /* of a message, as in the kernel's i2c-dev */
#define FUNCTIONS \
    (I2C_FUNC_I2C | (I2C_FUNC_SMBUS_EMUL & ~(I2C_FUNC_SMBUS_PROC_CALL | I2C_FUNC_SMBUS_PEC)))

static const char PREFIX[] = "/dev/i2c-";

struct file {
    int ours;
    uint16_t slave;
};
static struct file files[FILES];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint8_t request[1 + I2C_RDWR_IOCTL_MAX_MSGS * (6 + MAX_LENGTH)];

static int fail(int number)
{
    errno = number;
    return -1;
}

static int send_all(int fd, const uint8_t *data, size_t length)
{
    while (length) {
        ssize_t done = send(fd, data, length, MSG_NOSIGNAL);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return fail(ENODEV); /* the server closed the connection: the adapter is unplugged */
        data += done;
        length -= (size_t)done;
    }
    return 0;
}

static int receive_all(int fd, uint8_t *data, size_t length)
{
    while (length) {
        ssize_t done = recv(fd, data, length, MSG_WAITALL);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return fail(ENODEV);
        data += done;
        length -= (size_t)done;
    }
    return 0;
}

static int answer(int fd)
{
    uint8_t number;
    if (receive_all(fd, &number, 1))
        return -1;
    return number ? fail(number) : 0;
}

static int exchange(int fd, const struct i2c_msg *messages, size_t count)
{
    uint8_t *end = request;
    *end++ = (uint8_t)count;
    for (size_t i = 0; i < count; i++) {
        uint16_t head[3] = {messages[i].addr, messages[i].flags, messages[i].len};
        memcpy(end, head, sizeof head);
        end += sizeof head;
        if (!(messages[i].flags & I2C_M_RD) && messages[i].len) {
            memcpy(end, messages[i].buf, messages[i].len);
            end += messages[i].len;
        }
    }
    if (send_all(fd, request, (size_t)(end - request)) || answer(fd))
        return -1;
    for (size_t i = 0; i < count; i++)
        if (messages[i].flags & I2C_M_RD && receive_all(fd, messages[i].buf, messages[i].len))
            return -1;
    return (int)count;
}

static int transfer(int fd, const struct i2c_msg *messages, size_t count)
{
    pthread_mutex_lock(&lock);
    int done = exchange(fd, messages, count);
    int number = errno;
    pthread_mutex_unlock(&lock);
    errno = number;
    return done;
}

static int rdwr(int fd, const struct i2c_rdwr_ioctl_data *asked)
{
    if (!asked->msgs || asked->nmsgs == 0 || asked->nmsgs > I2C_RDWR_IOCTL_MAX_MSGS)
        return fail(EINVAL);
    for (size_t i = 0; i < asked->nmsgs; i++)
        if (asked->msgs[i].len > MAX_LENGTH)
            return fail(EINVAL);
    return transfer(fd, asked->msgs, asked->nmsgs);
}

static int smbus(int fd, const struct i2c_smbus_ioctl_data *asked)
{
    union i2c_smbus_data *data = asked->data;
    int reading = asked->read_write == I2C_SMBUS_READ;
    uint8_t out[I2C_SMBUS_BLOCK_MAX + 2] = {asked->command};
    uint8_t in[I2C_SMBUS_BLOCK_MAX] = {0};
    uint16_t written = 1, wanted = 0;
    int simple = asked->size == I2C_SMBUS_QUICK || (asked->size == I2C_SMBUS_BYTE && !reading);

    if (!data && !simple)
        return fail(EINVAL);
    switch (asked->size) {
    case I2C_SMBUS_QUICK: {
        struct i2c_msg quick = {files[fd].slave, reading ? I2C_M_RD : 0, 0, out};
        return transfer(fd, &quick, 1) < 0 ? -1 : 0;
    }
    case I2C_SMBUS_BYTE:
        if (reading) {
            written = 0;
            wanted = 1;
        }
        break;
    case I2C_SMBUS_BYTE_DATA:
        out[1] = data->byte;
        written = reading ? 1 : 2;
        wanted = reading ? 1 : 0;
        break;
    case I2C_SMBUS_WORD_DATA:
        out[1] = (uint8_t)(data->word & 0xff);
        out[2] = (uint8_t)(data->word >> 8);
        written = reading ? 1 : 3;
        wanted = reading ? 2 : 0;
        break;
    case I2C_SMBUS_BLOCK_DATA:
        if (reading)
            return fail(EOPNOTSUPP);
        /* fall through */
    case I2C_SMBUS_I2C_BLOCK_DATA: {
        uint8_t length = data->block[0];
        int counted = asked->size == I2C_SMBUS_BLOCK_DATA; /* the length is sent, too */
        if (length < 1 || length > I2C_SMBUS_BLOCK_MAX)
            return fail(EINVAL);
        if (reading) {
            wanted = length;
        } else {
            memcpy(out + 1, data->block + !counted, length + (size_t)counted);
            written = (uint16_t)(1 + counted + length);
        }
        break;
    }
    default:
        return fail(EOPNOTSUPP);
    }

    struct i2c_msg messages[2] = {
        {files[fd].slave, 0, written, out},
        {files[fd].slave, I2C_M_RD, wanted, in},
    };
    if (transfer(fd, messages + !written, (size_t)(!!written + !!wanted)) < 0)
        return -1;
    if (wanted && asked->size == I2C_SMBUS_I2C_BLOCK_DATA)
        memcpy(data->block + 1, in, wanted);
    else if (wanted == 2)
        data->word = (uint16_t)(in[0] | in[1] << 8);
    else if (wanted == 1)
        data->byte = in[0];
    return 0;
}

static int open_bus(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *name = getenv("EDGEHAR_I2C_SOCKET");
    char *end;
    uint32_t bus = (uint32_t)strtoul(path + sizeof PREFIX - 1, &end, 10);
    if (!name || strlen(name) >= sizeof address.sun_path || *end)
        return fail(ENOENT);
    strcpy(address.sun_path, name);

    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int number = 0;
    if (fd >= FILES)
        number = EMFILE;
    else if (connect(fd, (struct sockaddr *)&address, sizeof address))
        number = ENOENT;
    else if (send_all(fd, (uint8_t *)&bus, sizeof bus) || answer(fd))
        number = errno;
    if (number) {
        close(fd);
        return fail(number);
    }
    files[fd] = (struct file){1, 0};
    return fd;
}

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) \
        real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

#define MODE(flags) \
    mode_t mode = 0; \
    if ((flags) & O_CREAT || ((flags) & O_TMPFILE) == O_TMPFILE) { \
        va_list rest; \
        va_start(rest, flags); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    }

#define DEFINE_OPEN(name) \
    int name(const char *path, int flags, ...) \
    { \
        REAL(name); \
        MODE(flags) \
        return strncmp(path, PREFIX, sizeof PREFIX - 1) ? real(path, flags, mode) \
                                                        : open_bus(path); \
    }

#define DEFINE_OPENAT(name) \
    int name(int folder, const char *path, int flags, ...) \
    { \
        REAL(name); \
        MODE(flags) \
        return strncmp(path, PREFIX, sizeof PREFIX - 1) ? real(folder, path, flags, mode) \
                                                        : open_bus(path); \
    }

DEFINE_OPEN(open)
DEFINE_OPEN(open64)
DEFINE_OPENAT(openat)
DEFINE_OPENAT(openat64)

int close(int fd)
{
    REAL(close);
    if (fd >= 0 && fd < FILES)
        files[fd].ours = 0;
    return real(fd);
}

int ioctl(int fd, unsigned long what, ...)
{
    REAL(ioctl);
    va_list rest;
    va_start(rest, what);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    if (fd < 0 || fd >= FILES || !files[fd].ours)
        return real(fd, what, argument);

    switch (what) {
    case I2C_SLAVE:
    case I2C_SLAVE_FORCE:
        if ((uintptr_t)argument > 0x7f)
            return fail(EINVAL);
        files[fd].slave = (uint16_t)(uintptr_t)argument;
        return 0;
    case I2C_FUNCS:
        *(unsigned long *)argument = FUNCTIONS;
        return 0;
    case I2C_SMBUS:
        return smbus(fd, argument);
    case I2C_RDWR:
        return rdwr(fd, argument);
    case I2C_RETRIES:
    case I2C_TIMEOUT:
        return 0;
    case I2C_PEC:
    case I2C_TENBIT:
        return argument ? fail(EINVAL) : 0;
    default:
        return fail(ENOTTY);
    }
}
