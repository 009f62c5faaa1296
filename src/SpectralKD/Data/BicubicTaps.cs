namespace SpectralKD.Data;

/// <summary>For every output position of one axis: the first source position and the fixed-point weights.</summary>
internal sealed class BicubicTaps
{
    private const double Radius = 2; // of the bicubic kernel at scale 1
    private readonly int[] starts;
    private readonly int[] lengths;
    private readonly int[] weights;
    private readonly int capacity;

    private BicubicTaps(int count, int capacity)
    {
        this.capacity = capacity;
        starts = new int[count];
        lengths = new int[count];
        weights = new int[count * capacity];
    }

    /// <summary>Number of output positions.</summary>
    public int Count => starts.Length;

    /// <summary>First source position that any output needs.</summary>
    public int FirstSource { get; private set; }

    /// <summary>Number of consecutive source positions that the outputs need.</summary>
    public int SourceCount { get; private set; }

    /// <summary>First source position of one output.</summary>
    public int Start(int output) => starts[output];

    /// <summary>Weights of one output, 22 fractional bits.</summary>
    public ReadOnlySpan<int> Weights(int output) => weights.AsSpan(output * capacity, lengths[output]);

    /// <summary>Weights of the outputs <paramref name="first"/> .. <paramref name="first"/> + <paramref name="count"/> - 1.</summary>
    public static BicubicTaps Compute(int sourceSize, int targetSize, int first, int count)
    {
        if (sourceSize == targetSize)
        {
            return Identity(first, count);
        }

        var scale = (double)sourceSize / targetSize;
        var filterScale = Math.Max(scale, 1.0);
        var support = Radius * filterScale;
        var taps = new BicubicTaps(count, ((int)Math.Ceiling(support) * 2) + 1);
        var kernel = new double[taps.capacity];
        for (var i = 0; i < count; i++)
        {
            taps.Fill(i, (first + i + 0.5) * scale, support, 1.0 / filterScale, sourceSize, kernel);
        }

        taps.FindSources();
        return taps;
    }

    private static BicubicTaps Identity(int first, int count)
    {
        var taps = new BicubicTaps(count, 0) { FirstSource = first, SourceCount = count };
        for (var i = 0; i < count; i++)
        {
            taps.starts[i] = first + i;
        }

        return taps;
    }

    private void Fill(int output, double centre, double support, double inverseScale, int sourceSize, double[] kernel)
    {
        var from = Math.Max((int)(centre - support + 0.5), 0);
        var to = Math.Min((int)(centre + support + 0.5), sourceSize);
        var sum = 0.0;
        for (var i = 0; i < to - from; i++)
        {
            kernel[i] = Bicubic((i + from - centre + 0.5) * inverseScale);
            sum += kernel[i];
        }

        starts[output] = from;
        lengths[output] = to - from;
        for (var i = 0; i < to - from; i++)
        {
            weights[(output * capacity) + i] = PilBicubic.ToFixedPoint(sum == 0 ? kernel[i] : kernel[i] / sum);
        }
    }

    private void FindSources()
    {
        FirstSource = starts[0];
        var end = 0;
        for (var i = 0; i < Count; i++)
        {
            end = Math.Max(end, starts[i] + lengths[i]);
        }

        SourceCount = end - FirstSource;
    }

    /// <summary>Keys' cubic convolution kernel with a = -0.5.</summary>
    private static double Bicubic(double x)
    {
        const double a = -0.5;
        x = Math.Abs(x);
        return x switch
        {
            < 1 => ((((a + 2.0) * x) - (a + 3.0)) * x * x) + 1,
            < 2 => ((((x - 5) * x) + 8) * x - 4) * a,
            _ => 0,
        };
    }
}
