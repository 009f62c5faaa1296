using Microsoft.Data.Analysis;

namespace SpectralKD.Spectra;

/// <summary>Spectra as tables (Microsoft.Data.Analysis). Activations have no unit, so amplitudes and powers have none.</summary>
/// <example><code>
/// var spectrum = ModelSpectrum.Load("deit.json");
/// var blocks = spectrum.ToDataFrame();       // a row for each block
/// var rings = spectrum.ToRadialFrame();      // a row for each block and ring of frequencies
/// blocks.SaveTable("blocks.csv");
/// </code></example>
public static class SpectrumTables
{
    /// <summary>Names of a spectrum's figures, which are columns of its table.</summary>
    internal static IReadOnlyList<string> Figures { get; } = ["intensity", "uniformity", "high_frequency_ratio", "intensity_sd", "total_power", "channel_intensity", "activation_entropy"];

    /// <summary>One row a block.</summary>
    /// <remarks>
    /// Columns: <c>block</c> (0-based index), <c>name</c> (timm's module path), <c>channels</c>, <c>height</c>, <c>width</c> (of the feature map),
    /// <c>intensity</c> (spatial, or channel where that alone was analysed), <c>uniformity</c> (0 to 1), <c>high_frequency_ratio</c> (0 to 1),
    /// <c>intensity_sd</c> (standard deviation over images), <c>total_power</c>, <c>channel_intensity</c>, <c>activation_entropy</c> (bits),
    /// <c>images</c> (number); <c>weights</c> (where the model's came from, in words) where that was recorded. What was not analysed is null.
    /// </remarks>
    public static DataFrame ToDataFrame(this ModelSpectrum spectrum)
    {
        var blocks = spectrum.Blocks;
        var table = new DataFrame(
            new Int32DataFrameColumn("block", blocks.Select(block => block.Index)),
            new StringDataFrameColumn("name", blocks.Select(block => block.Name)),
            new Int32DataFrameColumn("channels", blocks.Select(block => block.Channels)),
            new Int32DataFrameColumn("height", blocks.Select(block => block.Height)),
            new Int32DataFrameColumn("width", blocks.Select(block => block.Width)),
            new DoubleDataFrameColumn("intensity", blocks.Select(block => block.Intensity)),
            new DoubleDataFrameColumn("uniformity", blocks.Select(block => block.Uniformity)),
            new DoubleDataFrameColumn("high_frequency_ratio", blocks.Select(block => block.HighFrequencyRatio)),
            new DoubleDataFrameColumn("intensity_sd", blocks.Select(block => block.IntensityDeviation)),
            new DoubleDataFrameColumn("total_power", blocks.Select(block => block.TotalPower)),
            new DoubleDataFrameColumn("channel_intensity", blocks.Select(block => block.ChannelIntensity)),
            new DoubleDataFrameColumn("activation_entropy", blocks.Select(block => block.ActivationEntropy)),
            new Int64DataFrameColumn("images", blocks.Select(block => block.Images)));
        if (spectrum.Weights is { } weights)
        {
            table.Columns.Add(new StringDataFrameColumn("weights", blocks.Select(_ => weights.Brief)));
        }

        return table;
    }

    /// <summary>Writes <see cref="ToImageFrame"/> as a .csv file, row by row: of many images the table itself would take most of an analysis' memory.</summary>
    internal static void SaveImageTable(this ModelSpectrum spectrum, string path) => AtomicFile.Write(path, stream =>
    {
        using var text = new StreamWriter(stream, leaveOpen: true) { NewLine = "\n" };
        var images = Kept(spectrum);
        text.WriteLine("image,class,block,intensity");
        for (var image = 0; image < images.Names.Length; image++)
        {
            var place = $"{TableCsv.Field(images.Names[image])},{TableCsv.Field(images.Classes[image])},";
            for (var block = 0; block < spectrum.Blocks.Length; block++)
            {
                text.WriteLine(FormattableString.Invariant($"{place}{spectrum.Blocks[block].Index},{images.Intensities[block][image]:R}"));
            }
        }
    });

    /// <summary>One row for each image and block, where the intensities of single images were kept (<see cref="SpectralOptions.PerImage"/>).</summary>
    /// <remarks>Columns: <c>image</c> (path inside the source), <c>class</c>, <c>block</c> (0-based index), <c>intensity</c>.</remarks>
    /// <exception cref="SpectralKDException">They were not kept.</exception>
    public static DataFrame ToImageFrame(this ModelSpectrum spectrum)
    {
        var images = Kept(spectrum);
        var rows = Enumerable.Range(0, images.Names.Length).SelectMany(_ => Enumerable.Range(0, spectrum.Blocks.Length), (image, block) => (image, block)).ToList();
        return new DataFrame(
            new StringDataFrameColumn("image", rows.Select(row => images.Names[row.image])),
            new StringDataFrameColumn("class", rows.Select(row => images.Classes[row.image])),
            new Int32DataFrameColumn("block", rows.Select(row => spectrum.Blocks[row.block].Index)),
            new DoubleDataFrameColumn("intensity", rows.Select(row => images.Intensities[row.block][row.image])));
    }

    private static SpectrumImages Kept(ModelSpectrum spectrum) => spectrum.PerImage ?? throw new SpectralKDException(
        $"{spectrum.Model} was analysed without keeping the intensities of single images: analyse it again with --per-image (SpectralOptions.PerImage)");

    /// <summary>One row for each block and ring of the spatial spectrum.</summary>
    /// <remarks>
    /// Columns: <c>block</c>, <c>name</c>, <c>radius</c> (cycles per map; the ring holds radius - 0.5 up to radius + 0.5), <c>relative_frequency</c>
    /// (radius over the Nyquist radius <c>floor(min(H, W) / 2)</c>), <c>frequencies</c> (number in the ring), <c>amplitude</c>, <c>power</c> (means).
    /// </remarks>
    /// <exception cref="SpectralKDException">The spatial domain was not analysed.</exception>
    public static DataFrame ToRadialFrame(this ModelSpectrum spectrum)
    {
        Require(spectrum, SpectralDomain.Spatial);
        var rows = spectrum.Blocks.SelectMany(block => Enumerable.Range(0, block.RadialCounts.Length), (block, ring) => (block, ring)).ToList();
        var amplitudes = spectrum.Blocks.SelectMany(block => block.RadialAmplitude!.Value);
        var powers = spectrum.Blocks.SelectMany(block => block.RadialPower!.Value);
        return new DataFrame(
            new Int32DataFrameColumn("block", rows.Select(row => row.block.Index)),
            new StringDataFrameColumn("name", rows.Select(row => row.block.Name)),
            new Int32DataFrameColumn("radius", rows.Select(row => row.ring)),
            new DoubleDataFrameColumn("relative_frequency", rows.Select(row => row.ring / row.block.NyquistRadius)),
            new Int32DataFrameColumn("frequencies", rows.Select(row => row.block.RadialCounts[row.ring])),
            new DoubleDataFrameColumn("amplitude", amplitudes),
            new DoubleDataFrameColumn("power", powers));
    }

    /// <summary>One row for each block and channel frequency k = 0 .. C - 1.</summary>
    /// <remarks>
    /// Columns: <c>block</c>, <c>name</c>, <c>k</c> (cycles over all channels; k and C - k are equal), <c>relative_frequency</c> (k / C, cycles per channel),
    /// <c>magnitude</c> (mean of <c>|fft| / C</c>).
    /// </remarks>
    /// <exception cref="SpectralKDException">The channel domain was not analysed.</exception>
    public static DataFrame ToChannelFrame(this ModelSpectrum spectrum)
    {
        Require(spectrum, SpectralDomain.Channel);
        var rows = spectrum.Blocks.SelectMany(block => Enumerable.Range(0, block.Channels), (block, k) => (block, k)).ToList();
        return new DataFrame(
            new Int32DataFrameColumn("block", rows.Select(row => row.block.Index)),
            new StringDataFrameColumn("name", rows.Select(row => row.block.Name)),
            new Int32DataFrameColumn("k", rows.Select(row => row.k)),
            new DoubleDataFrameColumn("relative_frequency", rows.Select(row => (double)row.k / row.block.Channels)),
            new DoubleDataFrameColumn("magnitude", spectrum.Blocks.SelectMany(block => block.ChannelSpectrum!.Value)));
    }

    /// <summary>One row for each block and cell of the two-dimensional spectrum.</summary>
    /// <remarks>
    /// Columns: <c>block</c>, <c>name</c>, <c>fy</c>, <c>fx</c> (vertical and horizontal frequency, cycles per map, zero in the middle),
    /// <c>amplitude</c>, <c>power</c> (means over images and channels).
    /// </remarks>
    /// <exception cref="SpectralKDException">The spatial domain was not analysed.</exception>
    public static DataFrame ToMapFrame(this ModelSpectrum spectrum)
    {
        Require(spectrum, SpectralDomain.Spatial);
        var rows = spectrum.Blocks.SelectMany(block => Enumerable.Range(0, block.Height * block.Width), (block, cell) => (block, cell)).ToList();
        return new DataFrame(
            new Int32DataFrameColumn("block", rows.Select(row => row.block.Index)),
            new StringDataFrameColumn("name", rows.Select(row => row.block.Name)),
            new Int32DataFrameColumn("fy", rows.Select(row => (row.cell / row.block.Width) - (row.block.Height / 2))),
            new Int32DataFrameColumn("fx", rows.Select(row => (row.cell % row.block.Width) - (row.block.Width / 2))),
            new DoubleDataFrameColumn("amplitude", spectrum.Blocks.SelectMany(block => block.AmplitudeMap!.Value)),
            new DoubleDataFrameColumn("power", spectrum.Blocks.SelectMany(block => block.PowerMap!.Value)));
    }

    private static void Require(ModelSpectrum spectrum, SpectralDomain domain)
    {
        if (!spectrum.Domain.HasFlag(domain))
        {
            throw new SpectralKDException(
                $"{spectrum.Model} was analysed in the {spectrum.Domain} domain only: analyse it again with the domain {domain} or Both");
        }
    }

    /// <summary>One row a layer pair, in order of depth.</summary>
    /// <remarks>
    /// Columns: <c>pair</c> (from 1), <c>student_block</c>, <c>student_name</c>, <c>teacher_block</c>, <c>teacher_name</c> (0-based indices and timm's
    /// module paths), <c>student_channels</c>, <c>teacher_channels</c>, <c>height</c>, <c>width</c> (of both maps).
    /// </remarks>
    public static DataFrame ToDataFrame(this LayerPairs pairs) => new(
        new Int32DataFrameColumn("pair", Enumerable.Range(1, pairs.Pairs.Length)),
        new Int32DataFrameColumn("student_block", pairs.Pairs.Select(pair => pair.Student.Index)),
        new StringDataFrameColumn("student_name", pairs.Pairs.Select(pair => pair.Student.Name)),
        new Int32DataFrameColumn("teacher_block", pairs.Pairs.Select(pair => pair.Teacher.Index)),
        new StringDataFrameColumn("teacher_name", pairs.Pairs.Select(pair => pair.Teacher.Name)),
        new Int32DataFrameColumn("student_channels", pairs.Pairs.Select(pair => pair.Student.Channels)),
        new Int32DataFrameColumn("teacher_channels", pairs.Pairs.Select(pair => pair.Teacher.Channels)),
        new Int32DataFrameColumn("height", pairs.Pairs.Select(pair => pair.Student.Height)),
        new Int32DataFrameColumn("width", pairs.Pairs.Select(pair => pair.Student.Width)));
}
