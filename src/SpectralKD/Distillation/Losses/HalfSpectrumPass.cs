using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using TorchSharp;

namespace SpectralKD.Distillation;

/// <summary>
/// The closed form of <see cref="HalfSpectrumDistance"/> on a CPU in one pass over memory: difference, edge columns, gradient and value while an image's values are in the cache. Torch's
/// own operations read and write the whole difference once each, which is most of what they cost.
/// </summary>
/// <remarks>
/// Of D, the student's map less the teacher's with as many channels, the gradient but for a factor is <c>G = D (1 + M M^T)</c>: each value and, for an even width, twice the mean of those of its row
/// whose columns have its parity, halved in number (for an odd width the mean of the whole row). The value is the sum of <c>D G</c>. Each image is summed by itself and the images in
/// their order, so that the number of threads does not change a bit.
/// </remarks>
internal static unsafe class HalfSpectrumPass
{
    /// <summary>Whether two maps lie in memory so that this pass takes them: both as planes of rows, or both by token (channels last), on the CPU.</summary>
    /// <param name="student">Feature map <c>[B, Cs, H, W]</c>, float32 or float64.</param>
    /// <param name="teacher">Feature map <c>[B, Ct, H, W]</c> with Ct a multiple of Cs.</param>
    public static bool Takes(Tensor student, Tensor teacher) =>
        student.device_type == DeviceType.CPU && teacher.device_type == DeviceType.CPU && student.dtype == teacher.dtype
        && teacher.shape[1] % student.shape[1] == 0 && ((IsByToken(student) && IsByToken(teacher)) || (IsInPlanes(student) && IsInPlanes(teacher)));

    /// <summary>Whether a map's channels lie side by side, as a transformer's tokens leave them.</summary>
    public static bool IsByToken(Tensor map) => map.shape[1] > 1 && map.stride(1) == 1;

    /// <summary>The sum of D G, and G: flat, in the order of the student's memory (B, H, W, C by token, else B, C, H, W).</summary>
    /// <param name="student">As <see cref="Takes"/> allows.</param>
    /// <param name="teacher">As <see cref="Takes"/> allows.</param>
    /// <param name="threads">Images are taken by as many threads at a time.</param>
    public static (double Sum, Tensor Gradient) Of(Tensor student, Tensor teacher, int threads) =>
        student.dtype == ScalarType.Float64 ? Of<double>(student, teacher, threads) : Of<float>(student, teacher, threads);

    private static (double Sum, Tensor Gradient) Of<T>(Tensor student, Tensor teacher, int threads)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var gradient = torch.empty(student.NumberOfElements, dtype: student.dtype);
        var (own, other) = (new Map<T>(student), new Map<T>(teacher));
        var result = Start<T>(gradient);
        var sums = new double[student.shape[0]];
        var byToken = IsByToken(student);
        void Image(int image)
        {
            var target = result + ((long)image * own.Channels * own.Height * own.Width);
            sums[image] = byToken ? Tokens(own, other, image, target) : Planes(own, other, image, target);
        }

        Parallel.For(0, sums.Length, new ParallelOptions { MaxDegreeOfParallelism = threads }, Image);
        GC.KeepAlive(student);
        GC.KeepAlive(teacher);
        return (sums.Sum(), gradient);
    }

    private static double Planes<T>(Map<T> student, Map<T> teacher, long image, T* gradient)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var (plane, wider, rest, sum) = (student.Height * student.Width, teacher.Channels / student.Channels, Rest<T>(student.Width), 0.0);
        for (var channel = 0; channel < student.Channels; channel++, gradient += plane)
        {
            Subtract(student.At(image, channel), teacher.At(image, (long)channel * wider), teacher.ChannelStride, wider, gradient, plane);
            for (var row = gradient; row < gradient + plane; row += student.Width)
            {
                sum += Row(row, student.Width, rest);
            }
        }

        return sum;
    }

    // The student's values less the mean of `count` of the teacher's, which lie `stride` apart.
    private static void Subtract<T>(T* student, T* teacher, long stride, int count, T* difference, int length)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var (at, share) = (0, T.One / T.CreateChecked(count));
        for (; at + Vector256<T>.Count <= length; at += Vector256<T>.Count)
        {
            var sum = Vector256.Load(teacher + at);
            for (var slice = 1; slice < count; slice++)
            {
                sum += Vector256.Load(teacher + (slice * stride) + at);
            }

            (Vector256.Load(student + at) - (sum * share)).Store(difference + at);
        }

        for (; at < length; at++)
        {
            var sum = teacher[at];
            for (var slice = 1; slice < count; slice++)
            {
                sum += teacher[(slice * stride) + at];
            }

            difference[at] = student[at] - (sum * share);
        }
    }

    // A row of D becomes one of G; returns the sum of D G. A vector's lanes begin at an even column: they alternate in parity. The last columns are read as a whole vector that reaches back
    // to columns already taken, of which `rest` keeps the others; where it begins at an odd column the width is odd, and both parities have the same edge.
    private static double Row<T>(T* row, int width, Vector256<T> rest)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (width < Vector256<T>.Count)
        {
            return ShortRow(row, width);
        }

        var (end, last) = (width - Vector256<T>.Count, Vector256.Load(row + width - Vector256<T>.Count));
        var lanes = last & rest;
        for (var at = 0; at <= end; at += Vector256<T>.Count)
        {
            lanes += Vector256.Load(row + at);
        }

        var half = lanes.GetLower() + lanes.GetUpper();
        var (even, odd) = (half[0], half[1]);
        for (var lane = 2; lane < Vector128<T>.Count; lane += 2)
        {
            even += half[lane];
            odd += half[lane + 1];
        }

        (even, odd) = Edges(even, odd, width);
        Span<T> alternating = [even, odd, even, odd, even, odd, even, odd];
        var edges = Vector256.Create<T>(alternating);
        var gradient = last + edges;
        var products = (last & rest) * gradient;
        for (var at = 0; at <= end; at += Vector256<T>.Count)
        {
            var difference = Vector256.Load(row + at);
            var sum = difference + edges;
            products += difference * sum;
            sum.Store(row + at);
        }

        gradient.Store(row + end);
        return double.CreateChecked(Vector256.Sum(products));
    }

    // The lanes of a row's last vector that no other has: none where the width is a multiple of a vector's.
    private static Vector256<T> Rest<T>(int width)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        Span<T> lanes = stackalloc T[Vector256<T>.Count];
        lanes.Clear();
        lanes[^(width % Vector256<T>.Count)..].Fill(Vector256<T>.AllBitsSet[0]);
        return Vector256.Create<T>(lanes);
    }

    private static double ShortRow<T>(T* row, int width)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var (even, odd, sum) = (T.Zero, T.Zero, T.Zero);
        for (var at = 0; at < width; at += 2)
        {
            even += row[at];
            odd += at + 1 < width ? row[at + 1] : T.Zero;
        }

        (even, odd) = Edges(even, odd, width);
        for (var at = 0; at < width; at++)
        {
            var difference = row[at];
            row[at] += at % 2 == 0 ? even : odd;
            sum += difference * row[at];
        }

        return double.CreateChecked(sum);
    }

    // Tokens of one row of the grid: the columns of either parity are summed channel by channel.
    private static double Tokens<T>(Map<T> student, Map<T> teacher, long image, T* gradient)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var (channels, width, share, sum) = (student.Channels, student.Width, T.CreateChecked(student.Channels) / T.CreateChecked(teacher.Channels), 0.0);
        var (evenSums, oddSums, room) = (new T[channels], new T[channels], new T[teacher.Channels]);
        fixed (T* even = evenSums, odd = oddSums, wide = room)
        {
            for (var y = 0; y < student.Height; y++)
            {
                evenSums.AsSpan().Clear();
                oddSums.AsSpan().Clear();
                for (var x = 0; x < width; x++)
                {
                    var sums = BinSums(teacher.At(image, 0, y, x), teacher.Channels, channels, wide);
                    Token(student.At(image, 0, y, x), sums, share, gradient + ((long)x * channels), x % 2 == 0 ? even : odd, channels);
                }

                for (var channel = 0; channel < channels; channel++)
                {
                    (even[channel], odd[channel]) = Edges(even[channel], odd[channel], width);
                }

                for (var x = 0; x < width; x++, gradient += channels)
                {
                    sum += AddEdges(gradient, x % 2 == 0 ? even : odd, channels);
                }
            }
        }

        return sum;
    }

    // Sums of a token's neighbouring channels, as many as the student has: the token itself, or the beginning of `room`.
    private static T* BinSums<T>(T* token, int length, int channels, T* room)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        for (; length % (2 * channels) == 0; length /= 2, token = room)
        {
            var at = 0;
            if (typeof(T) == typeof(float))
            {
                // Two floats are read as one whole number of 64 bits, of which either half is kept.
                for (; at + 8 <= length / 2; at += 8)
                {
                    var (first, second) = (Vector256.Load((ulong*)(token + (2 * at))), Vector256.Load((ulong*)(token + (2 * at) + 8)));
                    (Vector256.Narrow(first, second).AsSingle() + Vector256.Narrow(first >> 32, second >> 32).AsSingle()).Store((float*)(room + at));
                }
            }

            for (; at < length / 2; at++)
            {
                room[at] = token[2 * at] + token[(2 * at) + 1];
            }
        }

        if (length == channels)
        {
            return token;
        }

        for (var channel = 0; channel < channels; channel++)
        {
            var (sum, first) = (T.Zero, channel * (length / channels));
            for (var slice = 0; slice < length / channels; slice++)
            {
                sum += token[first + slice];
            }

            room[channel] = sum;
        }

        return room;
    }

    // The difference of two tokens, added to the sum of its column's parity.
    private static void Token<T>(T* student, T* sums, T share, T* difference, T* parity, int channels)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var at = 0;
        for (; at + Vector256<T>.Count <= channels; at += Vector256<T>.Count)
        {
            var values = Vector256.Load(student + at) - (Vector256.Load(sums + at) * share);
            values.Store(difference + at);
            (Vector256.Load(parity + at) + values).Store(parity + at);
        }

        for (; at < channels; at++)
        {
            difference[at] = student[at] - (sums[at] * share);
            parity[at] += difference[at];
        }
    }

    // A token of D becomes one of G; returns the sum of D G.
    private static double AddEdges<T>(T* token, T* edges, int channels)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var (at, products) = (0, Vector256<T>.Zero);
        for (; at + Vector256<T>.Count <= channels; at += Vector256<T>.Count)
        {
            var difference = Vector256.Load(token + at);
            var gradient = difference + Vector256.Load(edges + at);
            products += difference * gradient;
            gradient.Store(token + at);
        }

        var sum = Vector256.Sum(products);
        for (; at < channels; at++)
        {
            var difference = token[at];
            token[at] += edges[at];
            sum += difference * token[at];
        }

        return double.CreateChecked(sum);
    }

    // D M M^T of a row whose columns of either parity have these sums; an odd width has one edge column, the sum of all.
    private static (T Even, T Odd) Edges<T>(T even, T odd, int width)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var columns = T.CreateChecked(width);
        return width % 2 == 0 ? ((even + even) / columns, (odd + odd) / columns) : ((even + odd) / columns, (even + odd) / columns);
    }

    private static bool IsInPlanes(Tensor map) => (map.stride(3) == 1 || map.shape[3] == 1) && (map.stride(2) == map.shape[3] || map.shape[2] == 1);

    private static T* Start<T>(Tensor values)
        where T : unmanaged
    {
        using var first = values.as_strided([1], [1], values.storage_offset());
        return (T*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(first.bytes));
    }

    // A map [B, C, H, W] where it lies.
    private readonly struct Map<T>(Tensor map)
        where T : unmanaged
    {
        private readonly T* _start = Start<T>(map);
        private readonly long _image = map.stride(0), _row = map.stride(2), _column = map.stride(3);

        public long ChannelStride { get; } = map.stride(1);

        public int Channels { get; } = (int)map.shape[1];

        public int Height { get; } = (int)map.shape[2];

        public int Width { get; } = (int)map.shape[3];

        public T* At(long image, long channel, long y = 0, long x = 0) => _start + (image * _image) + (channel * ChannelStride) + (y * _row) + (x * _column);
    }
}
