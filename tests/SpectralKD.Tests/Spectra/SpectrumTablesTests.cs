using Microsoft.Data.Analysis;

namespace SpectralKD.Tests.Spectra;

public class SpectrumTablesTests
{
    [Fact]
    public void There_is_one_row_a_block_with_the_documented_columns()
    {
        var table = Sample(SpectralDomain.Both).ToDataFrame();

        Assert.Equal(1, table.Rows.Count);
        Assert.Equal(
            [
                "block", "name", "channels", "height", "width", "intensity", "uniformity", "high_frequency_ratio", "intensity_sd", "total_power",
                "channel_intensity", "activation_entropy", "images",
            ],
            table.Columns.Select(column => column.Name));
        Assert.Equal(Sample(SpectralDomain.Both).Blocks[0].Intensity, table["intensity"][0]);
    }

    [Fact]
    public void Long_forms_have_a_row_for_each_ring_frequency_and_cell()
    {
        var spectrum = Sample(SpectralDomain.Both);
        var block = spectrum.Blocks[0];

        Assert.Equal(block.RadialCounts.Length, spectrum.ToRadialFrame().Rows.Count);
        Assert.Equal(6, spectrum.ToChannelFrame().Rows.Count);
        Assert.Equal(20, spectrum.ToMapFrame().Rows.Count);
        Assert.Equal(block.AmplitudeMap!.Value[(2 * 4) + 2], Cell(spectrum.ToMapFrame(), 0, 0));
    }

    [Fact]
    public void A_domain_that_was_not_analysed_is_named()
        => Assert.Contains("Channel", Assert.Throws<SpectralKDException>(() => Sample(SpectralDomain.Spatial).ToChannelFrame()).Message, StringComparison.Ordinal);

    [Fact]
    public void Csv_comes_back_bit_for_bit_with_nulls()
    {
        var table = Sample(SpectralDomain.Spatial).ToDataFrame();
        var again = TableCsv.Parse(table.ToCsv());

        Assert.Equal(table.ToCsv(), again.ToCsv());
        Assert.Equal(table["intensity"][0], again["intensity"][0]);
        Assert.Null(again["channel_intensity"][0]);
    }

    [Fact]
    public void Csv_keeps_commas_quotes_line_ends_and_empty_text()
    {
        var table = new DataFrame(
            new StringDataFrameColumn("a,b", ["x,\"y\"", "two\nlines", "", null]),
            new BooleanDataFrameColumn("c", [true, false, null, true]));
        var again = TableCsv.Parse(table.ToCsv());

        Assert.Equal(["x,\"y\"", "two\nlines", "", null], Enumerable.Range(0, 4).Select(row => (string?)again["a,b"][row]));
        Assert.Equal([true, false, null, true], Enumerable.Range(0, 4).Select(row => (bool?)again["c"][row]));
    }

    [Theory]
    [InlineData("a,b\n1,2\n3", "row 3 has 1 fields, the header has 2")]
    [InlineData("", "is empty")]
    [InlineData("a,b,a\n1,2,3\n", "the header names 2 columns \"a\"")]
    [InlineData("a,,\n1,2,3\n", "the header names 2 columns \"\"")]
    public void Csv_of_another_shape_is_an_error_in_words(string text, string words)
        => Assert.Contains(words, Assert.Throws<SpectralKDException>(() => TableCsv.Parse(text)).Message, StringComparison.Ordinal);

    private static object? Cell(DataFrame map, int fy, int fx)
        => map.Rows.First(row => (int)row[2] == fy && (int)row[3] == fx)[4];

    private static ModelSpectrum Sample(SpectralDomain domain)
    {
        using var map = TestSpectra.Map(2);
        return TestSpectra.Analyse(map, domain);
    }
}
