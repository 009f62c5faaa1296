using System.Globalization;
using Microsoft.Data.Analysis;

namespace SpectralKD.Spectra;

/// <summary>Chooses a column's type from all of its fields.</summary>
internal static class CsvColumn
{
    internal static DataFrameColumn Of(string? name, string?[] fields)
    {
        name ??= "";
        if (All(fields, field => long.TryParse(field, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _)))
        {
            return new Int64DataFrameColumn(name, fields.Select(field => field is null ? (long?)null : long.Parse(field, CultureInfo.InvariantCulture)));
        }

        if (All(fields, field => double.TryParse(field, NumberStyles.Float, CultureInfo.InvariantCulture, out _)))
        {
            return new DoubleDataFrameColumn(name, fields.Select(field => field is null ? (double?)null : double.Parse(field, CultureInfo.InvariantCulture)));
        }

        return All(fields, field => bool.TryParse(field, out _))
            ? new BooleanDataFrameColumn(name, fields.Select(field => field is null ? (bool?)null : bool.Parse(field)))
            : new StringDataFrameColumn(name, fields);
    }

    /// <summary>Whether every field that holds something fits; columns without anything count as numbers.</summary>
    private static bool All(string?[] fields, Func<string, bool> fits)
        => fields.All(field => field is null || fits(field));
}
